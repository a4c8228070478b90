#include "runtime/schedule/scheduler.h"

#include <algorithm>
#include <limits>

#include "runtime/schedule/active_run.h"

namespace jade::schedule {

using engine::Event;
using interp::Task;
using interp::TaskPtr;

namespace {
constexpr int kSlice = 4096;  // operations of one task before another gets its turn
}

Scheduler::Scheduler(engine::Engine* engine, std::vector<engine::ToolProvider*> tools,
                     std::shared_ptr<engine::Clock> clock)
    : engine_(engine),
      tools_(std::move(tools)),
      clock_(clock != nullptr ? std::move(clock) : std::make_shared<engine::SteadyClock>()),
      queue_(std::make_shared<engine::EventQueue>()) {
  engine_->Connect(queue_);
  for (engine::ToolProvider* tool : tools_) tool->Connect(queue_);
}

Scheduler::~Scheduler() {
  CancelAll();
}

RunId Scheduler::Start(RunSpec spec) {
  const RunId id = next_run_++;
  auto run = std::make_unique<ActiveRun>(*this, id, std::move(spec));
  ActiveRun& started = *run;
  active_.emplace(id, std::move(run));
  started.Begin();
  return id;
}

void Scheduler::MakeReady(const TaskPtr& task) {
  if (task->queued || task->state == Task::State::kDone) return;
  task->queued = true;
  ++static_cast<ActiveRun*>(task->run->host)->queued_tasks;
  ready_.push_back(task);
}

void Scheduler::AdvanceTasks() {
  // One turn for each task that was ready at the start, so that replies are looked at in between.
  for (size_t turns = ready_.size(); turns > 0 && !ready_.empty(); --turns) {
    const TaskPtr task = std::move(ready_.front());
    ready_.pop_front();
    task->queued = false;
    auto* run = static_cast<ActiveRun*>(task->run->host);
    --run->queued_tasks;
    if (task->state != Task::State::kReady) continue;
    interp::Advance(task, kSlice);
    if (task->state == Task::State::kReady) MakeReady(task);
    if (run->done()) Retire(run);
  }
}

void Scheduler::Retire(ActiveRun* run) {
  const RunId id = run->id();
  auto found = active_.find(id);
  const std::unique_ptr<ActiveRun> finished = std::move(found->second);
  active_.erase(found);
  // The cost of an end does not grow with the number of runs under way.
  if (finished->queued_tasks > 0) {
    std::erase_if(ready_, [&](const TaskPtr& task) { return task->run->host == finished.get(); });
  }
  finished->ForgetRequests();
  finished_.emplace(id, finished->Finish());
  if (finished->on_end()) finished->on_end()(id, finished_.at(id));
  if (finished->observer() != nullptr) finished->observer()->RunFinished(id);
}

bool Scheduler::HandleEvents() {
  events_.clear();
  if (!queue_->Drain(&events_)) return false;
  std::vector<Event> events = std::move(events_);
  for (Event& event : events) HandleEvent(event);
  return true;
}

void Scheduler::HandleEvent(Event& event) {
  auto& waiting = event.kind == Event::Kind::kRecorded ? recording_ : in_flight_;
  auto found = waiting.find(event.id);
  if (found == waiting.end()) return;  // cancelled, or of a run that is over
  const InFlight flight = found->second;
  if (event.kind != Event::Kind::kStarted && event.kind != Event::Kind::kDelta) waiting.erase(found);
  switch (event.kind) {
    case Event::Kind::kStarted:
      return flight.run->Started(flight.call);
    case Event::Kind::kDelta:
      return flight.run->Delta(flight.call, event.delta);
    case Event::Kind::kReply:
      return flight.run->Replied(flight.call, std::move(event.reply));
    case Event::Kind::kToolReply:
      return flight.run->ToolReplied(flight.call, std::move(event.tool));
    case Event::Kind::kRecorded:
      return flight.run->Recorded(flight.call, event.error);
  }
}

bool Scheduler::FireTimers() {
  const int64_t now = clock_->NowMicros();
  bool fired = false;
  while (!timers_.empty() && timers_.begin()->first <= now) {
    const Timer timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    timer();
    fired = true;
  }
  return fired;
}

// One slice of work of one source, so that its events are handled before anything else happens; the sources take turns.
bool Scheduler::StepSources() {
  const size_t count = tools_.size() + 1;
  for (size_t i = 0; i < count; ++i) {
    const size_t source = next_source_++ % count;
    engine::EventSource& chosen = source == 0 ? static_cast<engine::EventSource&>(*engine_) : *tools_[source - 1];
    if (chosen.Step()) return true;
  }
  return false;
}

bool Scheduler::Pump(std::chrono::microseconds max_wait) {
  if (active_.empty()) return false;
  AdvanceTasks();
  bool busy = FireTimers();
  busy = HandleEvents() || busy;
  if (busy || !ready_.empty() || active_.empty()) return !active_.empty();
  // No virtual time passes while a record is on its way to the disk.
  const int64_t next = !recording_.empty() ? clock_->NowMicros()
                       : timers_.empty()   ? std::numeric_limits<int64_t>::max()
                                           : timers_.begin()->first;
  clock_->SetHorizon(next);
  if (StepSources()) return true;
  auto wait = max_wait;
  if (!timers_.empty() && recording_.empty()) {
    if (clock_->SkipTo(next)) return true;
    wait = std::min(wait, std::chrono::microseconds(std::max<int64_t>(next - clock_->NowMicros(), 0)));
  }
  queue_->Wait(wait);
  return true;
}

void Scheduler::Drain(const std::atomic<bool>* interrupt) {
  while (Pump()) {
    if (interrupt != nullptr && interrupt->load(std::memory_order_relaxed)) CancelAll();
  }
}

void Scheduler::Cancel(RunId run) {
  auto found = active_.find(run);
  if (found == active_.end()) return;
  found->second->Cancel();
  Retire(found->second.get());
}

void Scheduler::CancelAll() {
  while (!active_.empty()) Cancel(active_.begin()->first);
}

RunResult Scheduler::Take(RunId run) {
  auto found = finished_.find(run);
  JADE_CHECK(found != finished_.end(), "run {} has no result", run);
  RunResult result = std::move(found->second);
  finished_.erase(found);
  return result;
}

uint64_t Scheduler::Register(ActiveRun* run, uint64_t call, engine::ToolProvider* tool) {
  const uint64_t id = next_request_++;
  in_flight_[id] = InFlight{run, call, tool};
  return id;
}

uint64_t Scheduler::AwaitRecord(ActiveRun* run, uint64_t call) {
  const uint64_t id = next_request_++;
  recording_[id] = InFlight{run, call, nullptr};
  return id;
}

void Scheduler::Abandon(uint64_t id) {
  auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  engine::ToolProvider* tool = found->second.tool;
  in_flight_.erase(found);
  if (tool != nullptr) {
    tool->Cancel(id);
  } else {
    engine_->Cancel(id);
  }
}

engine::ToolProvider* Scheduler::ToolFor(const std::string& name) const {
  const auto serves = [&](const engine::ToolProvider* tool) { return tool->Serves(name); };
  const auto found = std::find_if(tools_.begin(), tools_.end(), serves);
  return found == tools_.end() ? nullptr : *found;
}

}  // namespace jade::schedule
