#pragma once
// Internal to runtime/replay: an engine and tools that have nothing but the records of one run. Answers come when they
// came then, on a virtual clock, so that what raced ends as it did. A call that was cancelled is never answered. One
// thread.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/engine/engine.h"
#include "runtime/engine/scripted.h"
#include "runtime/trace/record.h"

namespace jade::replay {

// What both share: the clock, and what was asked that is not on record.
class RecordedTime {
 public:
  // What was to come in an earlier run does not any more.
  void Begin() {
    schedule_ = std::make_shared<engine::ScriptSchedule>(engine::ScriptOptions{}, schedule_->clock());
    begin_us_ = clock()->NowMicros();
    stranger_.reset();
  }
  // Runs `complete` when the recorded call had ended.
  void AtEndOf(const trace::CallRecord& call, std::function<void()> complete);
  bool Step() { return schedule_->Step(); }
  const std::shared_ptr<engine::VirtualClock>& clock() const { return schedule_->clock(); }

  void SetStranger(std::string why) {
    if (!stranger_) stranger_ = std::move(why);
  }
  // The first request that is not on record.
  const std::optional<std::string>& stranger() const { return stranger_; }

 private:
  std::shared_ptr<engine::ScriptSchedule> schedule_ = std::make_shared<engine::ScriptSchedule>();
  int64_t begin_us_ = 0;
  std::optional<std::string> stranger_;
};

class RecordedEngine final : public engine::Engine {
 public:
  explicit RecordedEngine(RecordedTime* time) : time_(time) {}
  // The records outlive the run.
  void Begin(uint64_t seed, std::span<const trace::CallRecord> calls);

  Status Submit(engine::Request request) override;
  void Cancel(uint64_t) override {}  // whoever cancels does not wait for the answer
  bool Step() override { return time_->Step(); }
  std::string Describe() const override { return "recorded"; }

 private:
  RecordedTime* time_;
  std::map<engine::StreamKey, const trace::CallRecord*> calls_;
};

class RecordedTools final : public engine::ToolProvider {
 public:
  explicit RecordedTools(RecordedTime* time) : time_(time) {}
  void Begin(std::span<const trace::CallRecord> calls);

  bool Serves(std::string_view) const override { return true; }
  Status Submit(engine::ToolRequest request) override;
  void Cancel(uint64_t) override {}
  bool Step() override { return false; }  // the engine steps for both
  std::string Describe() const override { return "recorded tools"; }

 private:
  // Executions of the same, in order; the last answers whatever comes after it.
  struct Executions {
    std::vector<const trace::CallRecord*> calls;
    size_t next = 0;
  };
  RecordedTime* time_;
  std::map<std::pair<std::string_view, std::string_view>, Executions> executions_;
};

}  // namespace jade::replay
