#pragma once
// An engine and tools that answer some calls from recorded runs and pass everything else on to the real ones. A call of
// a model is known by its random stream (seed of the run, path), so that any number of such runs, and ordinary ones, go
// on in one session. Tools are pure: a result is taken from any registered run that asked the same tool the same.
//
// One thread, that of the session they are given to. The sources behind them outlive them.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/session/session.h"
#include "runtime/trace/record.h"

namespace jade::replay {

// A run as it was started, and its calls in order of issue.
struct RecordedRun {
  session::RunRequest request;
  std::vector<trace::CallRecord> calls;
};

// Whether a model gave an answer that can be given again: not of calls that were cancelled or that the engine failed.
bool IsAnswered(const trace::CallRecord& call);
// What the engine said, without timings.
engine::Reply ReplyOf(const trace::CallRecord& call);
// Whether a request is the recorded one but for its random stream: messages, weight set and what the reply may be.
bool IsSameRequest(const engine::Request& request, const trace::CallRecord& call);
// The key of a call's random stream in a run of this seed.
engine::StreamKey StreamKeyOf(uint64_t seed, const trace::PathHash& path);

class ResamplingEngine final : public engine::Engine {
 public:
  explicit ResamplingEngine(engine::Engine* asked) : asked_(asked) {}

  using Ticket = uint64_t;
  // From now on a run of this seed is answered as `run` was, wherever a call has the path and the observation of one of
  // its calls, but for the call with index `sampled`. A seed is registered once at a time.
  Ticket Register(std::shared_ptr<const RecordedRun> run, uint64_t seed, size_t sampled);
  // Ends that; returns how many calls were answered from the record. Of calls that are still in flight too.
  int64_t Forget(Ticket ticket);

  void Connect(std::shared_ptr<engine::EventQueue> queue) override;
  Status Submit(engine::Request request) override;
  void Cancel(uint64_t id) override { asked_->Cancel(id); }
  bool Step() override { return asked_->Step(); }
  std::string Describe() const override { return asked_->Describe(); }

 private:
  struct Registered {
    std::shared_ptr<const RecordedRun> run;
    uint64_t seed = 0;
    int64_t replayed = 0;
  };
  struct Known {
    Ticket ticket = 0;
    uint32_t call = 0;
  };
  struct KeyHash {
    size_t operator()(const engine::StreamKey& key) const { return static_cast<size_t>(key[0]); }
  };
  engine::Engine* asked_;
  std::unordered_map<Ticket, Registered> registered_;
  std::unordered_map<engine::StreamKey, Known, KeyHash> known_;
  Ticket last_ = 0;
};

class ResamplingTools final : public engine::ToolProvider {
 public:
  explicit ResamplingTools(std::vector<engine::ToolProvider*> asked) : asked_(std::move(asked)) {}

  // Results of this run's tools are used until it is forgotten as often as it was registered.
  void Register(const std::shared_ptr<const RecordedRun>& run);
  void Forget(const std::shared_ptr<const RecordedRun>& run);
  // Whether the run has the result of such a call.
  static bool IsRecorded(const RecordedRun& run, const trace::CallRecord& call);

  void Connect(std::shared_ptr<engine::EventQueue> queue) override;
  bool Serves(std::string_view tool) const override;
  Status Submit(engine::ToolRequest request) override;
  void Cancel(uint64_t id) override;
  bool Step() override;
  std::string Describe() const override;

 private:
  struct Entry {
    std::shared_ptr<const RecordedRun> run;  // holds the result
    const std::string* result = nullptr;
    uint32_t registered = 0;
  };
  std::vector<engine::ToolProvider*> asked_;
  std::map<std::pair<std::string, std::string>, Entry> known_;  // tool, arguments as JSON
  size_t next_ = 0;
};

}  // namespace jade::replay
