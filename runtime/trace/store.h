#pragma once
// The experience store: runs, their calls, and what each call observed, did and earned, in one SQLite file (WAL, one
// writer thread with group commit; readable by other processes while a run is going). What is added is on its way to
// the disk at once; what OnDisk or Flush has acknowledged is not lost on a crash. The file carries a schema version; a
// store from a newer JADE is refused, an older one is migrated.
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

inline constexpr int64_t kSchemaVersion = 2;

struct StoreOptions {
  bool durable = false;   // a record on disk survives a power cut, not only the end of the process
  int64_t max_pages = 0;  // of 4 KiB that the file may have, as if the disk were full then; 0: no limit
};

class Store {
 public:
  // Creates the file and its folder when they are missing.
  static Result<std::unique_ptr<Store>> Open(const std::string& path, const StoreOptions& options = {});
  virtual ~Store() = default;  // waits for what is queued

  // Whether users of the store are to wait for the disk before they go on.
  virtual bool durable() const = 0;

  // Told once, on the writer's thread, when a record is on disk or could not be written.
  using OnDisk = std::function<void(const Status&)>;

  // A run must be added before its calls. Adding a run again under the same id updates it (its end, its reward), adding
  // a call again its penalty. Both return before the record is written. They fail when the writer has failed before (a
  // full disk): the error is then the first one, nothing more is taken, and `on_disk` is not told.
  virtual Status AddRun(RunRecord run) = 0;
  virtual Status AddCall(const std::string& run_id, CallRecord call, OnDisk on_disk) = 0;
  Status AddCall(const std::string& run_id, CallRecord call) { return AddCall(run_id, std::move(call), nullptr); }
  // Returns when everything added so far is on disk.
  virtual Status Flush() = 0;
};

// An id for a run, sortable by time: 13 hex digits of Unix milliseconds·4 and 8 of `entropy`.
std::string NewRunId(int64_t unix_us, uint64_t entropy);

struct RunFilter {
  int64_t limit = 20;        // newest first
  std::string workflow;      // exact name; empty: all
  bool only_failed = false;  // trapped, cancelled or unfinished
};

class StoreReader {
 public:
  static Result<std::unique_ptr<StoreReader>> Open(const std::string& path);
  virtual ~StoreReader() = default;

  // The counters and the time of an unfinished run are those of its calls so far.
  virtual Result<std::vector<RunRecord>> Runs(const RunFilter& filter) = 0;
  // `id` may be any unambiguous prefix, or "last".
  virtual Result<RunRecord> Run(std::string_view id) = 0;
  // Calls in order of issue.
  virtual Result<std::vector<CallRecord>> Calls(const std::string& run_id) = 0;
};

std::string_view CallKindName(CallKind kind);        // executor, planner, tool
std::string_view ValidityName(Validity validity);    // valid, malformed, invalid, not_checked
std::string_view CallStatusName(CallStatus status);  // done, cancelled, failed
std::string_view RunStatusName(RunStatus status);    // done, trapped, cancelled, unfinished

}  // namespace jade::trace
