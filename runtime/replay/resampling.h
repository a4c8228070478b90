#pragma once
// An engine and tools that answer some calls from recorded runs and pass everything else on to the real ones. Which run
// a call belongs to is known by the run's seed (a model's call by its random stream, which is made of seed and path),
// so that any number of such runs, and ordinary ones, go on in one session and share the batches of one backbone.
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
#include "runtime/replay/recorded.h"

namespace jade::replay {

// How many calls were answered from the record, and how many were asked of the sources behind.
struct Answered {
  int64_t replayed = 0;
  int64_t asked = 0;
};

class ResamplingEngine final : public engine::Engine {
 public:
  explicit ResamplingEngine(engine::Engine* asked) : asked_(asked) {}

  // From now on a run of this seed is answered as `run` was, wherever a call has path and observation of one of its
  // calls, but for the call with index `sampled`. False: the seed is registered already.
  bool Register(std::shared_ptr<const RecordedRun> run, uint64_t seed, size_t sampled);
  // Ends that; returns how many calls were answered from the record.
  int64_t Forget(uint64_t seed);

  void Connect(std::shared_ptr<engine::EventQueue> queue) override;
  Status Submit(engine::Request request) override;
  void Cancel(uint64_t id) override { asked_->Cancel(id); }
  bool Step() override { return asked_->Step(); }
  std::string Describe() const override { return asked_->Describe(); }

 private:
  struct Registered {
    std::shared_ptr<const RecordedRun> run;
    int64_t replayed = 0;
  };
  struct Known {
    uint64_t seed = 0;
    uint32_t call = 0;
  };
  struct KeyHash {
    size_t operator()(const engine::StreamKey& key) const { return static_cast<size_t>(key[0]); }
  };
  engine::Engine* asked_;
  std::unordered_map<uint64_t, Registered> registered_;          // by seed
  std::unordered_map<engine::StreamKey, Known, KeyHash> known_;  // calls that may be answered
};

// Tools are pure: a result is taken from the record wherever in the run the same is asked.
class ResamplingTools final : public engine::ToolProvider {
 public:
  explicit ResamplingTools(std::vector<engine::ToolProvider*> asked) : asked_(std::move(asked)) {}

  bool Register(std::shared_ptr<const RecordedRun> run, uint64_t seed);
  Answered Forget(uint64_t seed);
  // From now on these are the tools behind; no call is under way.
  void Ask(std::vector<engine::ToolProvider*> asked);

  void Connect(std::shared_ptr<engine::EventQueue> queue) override;
  bool Serves(std::string_view tool) const override;
  Status Submit(engine::ToolRequest request) override;
  void Cancel(uint64_t id) override;
  bool Step() override;
  std::string Describe() const override;

 private:
  using Question = std::pair<std::string_view, std::string_view>;  // tool, arguments as JSON; of the run's records
  struct Registered {
    std::shared_ptr<const RecordedRun> run;
    std::map<Question, const std::string*> results;
    Answered answered;
  };
  std::vector<engine::ToolProvider*> asked_;
  std::shared_ptr<engine::EventQueue> queue_;  // of whoever asks; null before Connect
  std::unordered_map<uint64_t, Registered> registered_;
  size_t next_ = 0;  // whose turn it is to Step
};

}  // namespace jade::replay
