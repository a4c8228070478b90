#pragma once
// Runs thousands of workflows at once on one thread. A run advances until all its tasks wait for calls; replies make
// tasks ready again. What a run computes, which calls it makes and their paths do not depend on the order in which
// replies come or on what else is running.
//
// One thread owns a Scheduler: Start, Pump, Cancel and Take belong to it. Engines and tools answer from any thread.

#include <atomic>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "runtime/engine/clock.h"
#include "runtime/engine/engine.h"
#include "runtime/interp/interpreter.h"
#include "runtime/schedule/flights.h"
#include "runtime/schedule/run.h"
#include "runtime/schedule/timers.h"

namespace jade::schedule {

struct ActiveRuns;

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
  bool active(RunId run) const;
  size_t active_count() const;
  size_t calls_in_flight() const { return in_flight_.size(); }
  // The result of a finished run, once.
  RunResult Take(RunId run);

  const engine::Clock& clock() const { return *clock_; }
  // Wakes a Pump that waits, from any thread.
  void Wake() { queue_->Wake(); }

 private:
  friend class ActiveRun;
  void Abandon(uint64_t request);  // cancels it at its source and forgets it
  // Index of the provider + 1, or 0.
  uint32_t ToolFor(const std::string& name) const;
  // Runs of one entry share it.
  interp::CallPathPtr RootPath(const ir::Function& entry);
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
  Flights in_flight_;  // by request
  Flights recording_;  // calls that have ended and whose value waits for their record to be on disk
  Timers timers_;
  std::unique_ptr<ActiveRuns> active_;
  std::unordered_map<RunId, RunResult> finished_;
  std::vector<engine::Event> events_;
  interp::CallPathPtr root_path_;  // of the run started last
  size_t next_source_ = 0;
  uint64_t next_run_ = 1;
};

}  // namespace jade::schedule
