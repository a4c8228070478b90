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
      queue_(std::make_shared<engine::EventQueue>()),
      active_(std::make_unique<ActiveRuns>()) {
  engine_->Connect(queue_);
  for (engine::ToolProvider* tool : tools_) tool->Connect(queue_);
}

Scheduler::~Scheduler() {
  CancelAll();
}

bool Scheduler::active(RunId run) const {
  return active_->count(run) != 0;
}

size_t Scheduler::active_count() const {
  return active_->size();
}

RunId Scheduler::Start(RunSpec spec) {
  const RunId id = next_run_++;
  ActiveRun& started = active_->try_emplace(id, *this, id, spec).first->second;
  started.Begin(spec.entry, std::move(spec.arguments));
  return id;
}

interp::CallPathPtr Scheduler::RootPath(const ir::Function& entry) {
  if (root_path_ == nullptr || root_path_->segment() != entry.name) root_path_ = interp::CallPath::Root(entry.name);
  return root_path_;
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
  auto node = active_->extract(id);
  ActiveRun* finished = &node.mapped();
  // The cost of an end does not grow with the number of runs under way.
  if (finished->queued_tasks > 0) {
    std::erase_if(ready_, [&](const TaskPtr& task) { return task->run->host == finished; });
  }
  finished->ForgetRequests();
  timers_.Sweep([this](RunId one) { return !active_->contains(one); });
  const RunResult& result = finished_.emplace(id, finished->Finish()).first->second;
  const RunSetup& setup = finished->setup();
  if (setup.owner != nullptr) setup.owner->RunEnded(id, result);
  if (setup.observer != nullptr) setup.observer->RunFinished(id);
}

bool Scheduler::HandleEvents() {
  events_.clear();
  if (!queue_->Drain(&events_)) return false;
  std::vector<Event> events = std::move(events_);
  for (Event& event : events) HandleEvent(event);
  return true;
}

void Scheduler::HandleEvent(Event& event) {
  Flights& waiting = event.kind == Event::Kind::kRecorded ? recording_ : in_flight_;
  const Flight* found = waiting.Find(event.id);
  if (found == nullptr) return;  // cancelled, or of a run that is over
  const Flight flight = *found;
  if (event.kind != Event::Kind::kStarted && event.kind != Event::Kind::kDelta) waiting.Remove(event.id);
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
  while (!timers_.empty() && timers_.next() <= now) {
    const Timers::Fired timer = timers_.Pop();
    fired = true;
    if (timer.action) {
      timer.action();
    } else if (auto found = active_->find(timer.run); found != active_->end()) {
      found->second.EndTime();
    }
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
  if (active_->empty()) return false;
  AdvanceTasks();
  bool busy = FireTimers();
  busy = HandleEvents() || busy;
  if (busy || !ready_.empty() || active_->empty()) return !active_->empty();
  // No virtual time passes while a record is on its way to the disk.
  const int64_t next = !recording_.empty() ? clock_->NowMicros()
                       : timers_.empty()   ? std::numeric_limits<int64_t>::max()
                                           : timers_.next();
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
  auto found = active_->find(run);
  if (found == active_->end()) return;
  found->second.Cancel();
  Retire(&found->second);
}

void Scheduler::CancelAll() {
  while (!active_->empty()) {
    std::vector<RunId> runs;
    runs.reserve(active_->size());
    for (const auto& [id, unused] : *active_) runs.push_back(id);
    std::sort(runs.begin(), runs.end());
    for (RunId id : runs) Cancel(id);
  }
}

RunResult Scheduler::Take(RunId run) {
  auto found = finished_.find(run);
  JADE_CHECK(found != finished_.end(), "run {} has no result", run);
  RunResult result = std::move(found->second);
  finished_.erase(found);
  return result;
}

void Scheduler::Abandon(uint64_t request) {
  const Flight* found = in_flight_.Find(request);
  if (found == nullptr) return;
  const uint32_t tool = found->tool;
  in_flight_.Remove(request);
  if (tool != 0) {
    tools_[tool - 1]->Cancel(request);
  } else {
    engine_->Cancel(request);
  }
}

uint32_t Scheduler::ToolFor(const std::string& name) const {
  const auto serves = [&](const engine::ToolProvider* tool) { return tool->Serves(name); };
  const auto found = std::find_if(tools_.begin(), tools_.end(), serves);
  return found == tools_.end() ? 0 : static_cast<uint32_t>(found - tools_.begin()) + 1;
}

}  // namespace jade::schedule
