#pragma once
// The experience store: runs, their calls, and what each call observed, did and earned, in one SQLite file (WAL, one
// writer thread with group commit; readable by other processes while a run is going). Nothing acknowledged is lost on a
// crash. The file carries a schema version; a store from a newer JADE is refused, an older one is migrated.
//
// Store: Add* may be called from any thread. StoreReader: one thread at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/trace/record.h"

namespace jade::trace {

inline constexpr int64_t kSchemaVersion = 1;

struct StoreOptions {
  bool durable = false;  // every Add returns only when its record is on disk
};

class Store {
 public:
  // Creates the file and its folder when they are missing.
  static Result<std::unique_ptr<Store>> Open(const std::string& path, const StoreOptions& options = {});
  virtual ~Store() = default;  // waits for what is queued

  // A run must be added before its calls. Adding a run again under the same id updates it (its end, its reward).
  // Fails when the writer has failed before (a full disk): the error is then the first one, and nothing more is taken.
  virtual Status AddRun(RunRecord run) = 0;
  virtual Status AddCall(const std::string& run_id, CallRecord call) = 0;
  // Returns when everything added so far is on disk.
  virtual Status Flush() = 0;
};

// An id for a run, sortable by time: 13 hex digits of Unix milliseconds·4 and 8 of `entropy`.
std::string NewRunId(int64_t unix_us, uint64_t entropy);

struct RunFilter {
  int64_t limit = 20;    // newest first
  std::string workflow;  // exact name; empty: all
  bool only_failed = false;
};

class StoreReader {
 public:
  static Result<std::unique_ptr<StoreReader>> Open(const std::string& path);
  virtual ~StoreReader() = default;

  virtual Result<std::vector<RunRecord>> Runs(const RunFilter& filter) = 0;
  // `id` may be any unambiguous prefix, or "last".
  virtual Result<RunRecord> Run(std::string_view id) = 0;
  // Calls in order of issue.
  virtual Result<std::vector<CallRecord>> Calls(const std::string& run_id) = 0;
};

std::string_view CallKindName(CallKind kind);        // executor, planner, tool
std::string_view ValidityName(Validity validity);    // valid, malformed, invalid, not_checked
std::string_view CallStatusName(CallStatus status);  // done, cancelled, failed
std::string_view RunStatusName(RunStatus status);    // done, trapped, cancelled

}  // namespace jade::trace
