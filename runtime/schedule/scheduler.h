#pragma once
// Runs thousands of workflows at once on one thread. A run advances until all its tasks wait for calls; replies make
// tasks ready again. What a run computes, which calls it makes and their paths do not depend on the order in which
// replies come or on what else is running.
//
// One thread owns a Scheduler: Start, Pump, Cancel and Take belong to it. Engines and tools answer from any thread.

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "runtime/engine/clock.h"
#include "runtime/engine/engine.h"
#include "runtime/interp/interpreter.h"
#include "runtime/schedule/run.h"

namespace jade::schedule {

class ActiveRun;

class Scheduler {
 public:
  // Connects the engine and the tools to its queue. They outlive it. The clock may be null: real time.
  Scheduler(engine::Engine* engine, std::vector<engine::ToolProvider*> tools, std::shared_ptr<engine::Clock> clock);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  RunId Start(RunSpec spec);
  // Does what can be done now and, if nothing can, waits up to `max_wait` for an answer. False when no run is active.
  bool Pump(std::chrono::microseconds max_wait = std::chrono::milliseconds(100));
  // Pumps until no run is active. `interrupt` (may be null) cancels every run when it becomes true.
  void Drain(const std::atomic<bool>* interrupt = nullptr);

  void Cancel(RunId run);  // ends it as kCancelled; its calls in flight are cancelled
  void CancelAll();
  bool active(RunId run) const { return active_.count(run) != 0; }
  size_t active_count() const { return active_.size(); }
  size_t calls_in_flight() const { return in_flight_.size(); }
  // The result of a finished run, once.
  RunResult Take(RunId run);

  const engine::Clock& clock() const { return *clock_; }
  // Wakes a Pump that waits, from any thread.
  void Wake() { queue_->Wake(); }

 private:
  friend class ActiveRun;
  // One attempt of one call that an engine or a tool is working on.
  struct InFlight {
    ActiveRun* run = nullptr;
    uint64_t call = 0;                     // the run's number of the call
    engine::ToolProvider* tool = nullptr;  // null: the engine
  };
  using Timer = std::function<void()>;

  uint64_t Register(ActiveRun* run, uint64_t call, engine::ToolProvider* tool);
  // The call has ended and its value waits for `id` to be recorded.
  uint64_t AwaitRecord(ActiveRun* run, uint64_t call);
  void Abandon(uint64_t id);  // cancels it at its source and forgets it
  engine::ToolProvider* ToolFor(const std::string& name) const;
  void At(int64_t micros, Timer timer) { timers_.emplace(micros, std::move(timer)); }
  void MakeReady(const interp::TaskPtr& task);
  void AdvanceTasks();
  bool HandleEvents();
  void HandleEvent(engine::Event& event);
  bool FireTimers();
  bool StepSources();
  void Retire(ActiveRun* run);

  engine::Engine* engine_;
  std::vector<engine::ToolProvider*> tools_;
  std::shared_ptr<engine::Clock> clock_;
  std::shared_ptr<engine::EventQueue> queue_;
  std::deque<interp::TaskPtr> ready_;
  std::unordered_map<uint64_t, InFlight> in_flight_;
  std::unordered_map<uint64_t, InFlight> recording_;  // see AwaitRecord
  std::multimap<int64_t, Timer> timers_;
  std::map<RunId, std::unique_ptr<ActiveRun>> active_;
  std::map<RunId, RunResult> finished_;
  std::vector<engine::Event> events_;
  size_t next_source_ = 0;
  uint64_t next_run_ = 1;
  uint64_t next_request_ = 1;
};

}  // namespace jade::schedule
