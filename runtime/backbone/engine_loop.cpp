#include "runtime/backbone/engine_loop.h"

#include <algorithm>
#include <new>

namespace jade::backbone {
namespace {

// LibTorch appends where it was thrown to what happened, line by line.
std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

Error ErrorOf(const std::exception& thrown) {
  if (dynamic_cast<const std::bad_alloc*>(&thrown) != nullptr) {
    return Error(ErrorCode::kOutOfMemory, "not enough memory for a step of the backbone");
  }
  return Error(ErrorCode::kUnavailable, FirstLine(thrown.what()));
}

}  // namespace

void EngineLoop::Add(std::unique_ptr<Call> call) {
  Call* added = call.get();
  const uint64_t id = added->request.id;
  if (const auto [at, is_new] = calls_.try_emplace(id, std::move(call)); !is_new) {
    call->error = Error(ErrorCode::kInvalidArgument, "another call in flight has this id");
    call->finish = engine::Finish::kError;
    ++counts_.calls;
    return answers_.Replied(id, call->TakeReply(Clock::now()));
  }
  added->arrival = ++arrivals_;
  auto& deferred = deferred_[static_cast<size_t>(added->policy)];
  if (!deferred.empty()) {
    deferred.push_back({nullptr, added});
  } else {
    Begin(added);
  }
}

void EngineLoop::Begin(Call* call) {
  const int64_t shared = role_starts_.Note(call->policy, call->request.role, call->tokens);
  call->pinned_tokens = call->static_tokens >= 0 ? call->static_tokens : shared;
  call->Start();
  if (call->finish || call->error) {
    call->admitted = Clock::now();
    answers_.Started(call->request.id);
    return Answer(call, call->admitted);
  }
  scheduler_.Add(call);
}

void EngineLoop::Cancel(uint64_t id) {
  const auto at = calls_.find(id);
  if (at == calls_.end()) return;
  Call* call = at->second.get();
  if (call->state == Sequence::State::kNew) {
    std::erase_if(deferred_[static_cast<size_t>(call->policy)], [&](const Deferred& d) { return d.call == call; });
  }
  const int policy = call->policy;
  call->finish = engine::Finish::kCancelled;
  Close(call);
  ApplyChanges(policy);
}

void EngineLoop::Refresh(std::unique_ptr<Change> change) {
  const int policy = change->policy;
  deferred_[static_cast<size_t>(policy)].push_back({std::move(change), nullptr});
  ApplyChanges(policy);
}

void EngineLoop::ApplyChanges(int policy) {
  auto& deferred = deferred_[static_cast<size_t>(policy)];
  while (!deferred.empty()) {
    if (deferred.front().change != nullptr && scheduler_.size_of(policy) > 0) return;
    const Deferred next = std::move(deferred.front());
    deferred.pop_front();
    if (next.call != nullptr) {
      Begin(next.call);
      continue;
    }
    Status status;
    try {
      if (next.change->change) next.change->change();
    } catch (const std::exception& thrown) {
      status = ErrorOf(thrown);  // some of the weights may be others all the same
    }
    scheduler_.NewVersion(policy);
    next.change->done.set_value(std::move(status));
  }
}

void EngineLoop::Step() {
  const Clock::time_point begin = Clock::now();
  stepping_.clear();
  try {
    const Scheduler::Plan& plan = scheduler_.PlanStep();
    for (const Scheduler::Part& part : plan.parts) stepping_.push_back(static_cast<Call*>(part.sequence));
    const Clock::time_point planned = Clock::now();
    for (Sequence* s : plan.begun) {
      Call* call = static_cast<Call*>(s);
      call->admitted = planned;
      answers_.Started(call->request.id);
    }
    counts_.scheduling_us += MicrosecondsBetween(begin, planned);
    if (!plan.parts.empty()) RunStep(plan);
  } catch (const std::exception& thrown) {
    FailStep(ErrorOf(thrown));
  }
}

void EngineLoop::RunStep(const Scheduler::Plan& plan) {
  const Clock::time_point begin = Clock::now();
  const std::span<float> logits = executor_.Run(plan.step);
  const Clock::time_point ran = Clock::now();
  counts_.executor_us += MicrosecondsBetween(begin, ran);
  sampling_.clear();
  for (const Scheduler::Part& part : plan.parts) {
    if (part.wants_logits) sampling_.push_back(static_cast<Call*>(part.sequence));
  }
  scheduler_.StepDone();
  const Clock::time_point planned = Clock::now();
  counts_.scheduling_us += MicrosecondsBetween(ran, planned);
  Sample(logits);
  const Clock::time_point sampled = Clock::now();
  counts_.sampling_us += MicrosecondsBetween(planned, sampled);
  const int policy = plan.step.policy;
  for (Call* call : sampling_) Answer(call, sampled);
  ApplyChanges(policy);
  counts_.scheduling_us += MicrosecondsBetween(sampled, Clock::now());
}

void EngineLoop::Sample(std::span<float> logits) {
  if (sampling_.empty()) return;
  const size_t width = logits.size() / sampling_.size();
  executor_.ParallelFor(static_cast<int64_t>(sampling_.size()), [&](int64_t i) {
    const auto index = static_cast<size_t>(i);
    Call& call = *sampling_[index];
    try {
      call.Advance(logits.subspan(index * width, width));
    } catch (const std::exception& thrown) {
      call.error = ErrorOf(thrown);
    }
  });
}

void EngineLoop::Answer(Call* call, Clock::time_point now) {
  if (call->error) call->finish = engine::Finish::kError;
  if (call->first_token == Clock::time_point{} && call->reply_tokens() > 0) call->first_token = now;
  if (call->request.want_stream && !call->error) {
    if (std::string delta = call->TakeDelta(); !delta.empty()) answers_.Delta(call->request.id, std::move(delta));
  }
  if (call->finish) Close(call);
}

// Gives the blocks back before the reply is posted: whoever sees the reply may count on it.
void EngineLoop::Close(Call* call) {
  const bool complete = call->finish == engine::Finish::kStop || call->finish == engine::Finish::kLength;
  if (call->state != Sequence::State::kNew) scheduler_.Remove(call, complete);
  ++counts_.calls;
  counts_.mask_us += call->mask_us;
  std::replace(stepping_.begin(), stepping_.end(), call, static_cast<Call*>(nullptr));
  const auto at = calls_.find(call->request.id);
  const std::unique_ptr<Call> closed = std::move(at->second);
  calls_.erase(at);
  answers_.Replied(closed->request.id, closed->TakeReply(Clock::now()));
}

void EngineLoop::Fail(Call* call, const Error& error) {
  call->error = error;
  call->finish = engine::Finish::kError;
  Close(call);
}

void EngineLoop::FailStep(const Error& error) {
  if (stepping_.empty()) {
    // Not even a plan could be made.
    for (const auto& [id, call] : calls_) {
      if (call->state != Sequence::State::kNew) stepping_.push_back(call.get());
    }
  }
  std::vector<int> policies;
  for (Call* call : std::vector<Call*>(stepping_)) {
    if (call == nullptr) continue;  // answered before it came to this
    policies.push_back(call->policy);
    Fail(call, error);
  }
  for (const int policy : policies) ApplyChanges(policy);
}

void EngineLoop::Stop() {
  for (auto& deferred : deferred_) {
    for (Deferred& d : deferred) {
      if (d.change) d.change->done.set_value(Error(ErrorCode::kCancelled, "the backbone ends"));
    }
    deferred.clear();
  }
  std::vector<Call*> left;
  for (const auto& [id, call] : calls_) left.push_back(call.get());
  std::sort(left.begin(), left.end(), [](const Call* a, const Call* b) { return a->arrival < b->arrival; });
  for (Call* call : left) {
    call->finish = engine::Finish::kCancelled;
    Close(call);
  }
}

ServingStatistics EngineLoop::statistics() const {
  ServingStatistics s = counts_;
  const SchedulerCounts& counts = scheduler_.counts();
  s.steps = counts.steps;
  s.prefill_tokens = counts.prefill_tokens;
  s.cached_tokens = counts.cached_tokens;
  s.decode_tokens = counts.decode_tokens;
  s.preemptions = counts.preemptions;
  s.waits_for_prefix = counts.followed;
  s.evictions = scheduler_.tree().evictions();
  s.cached_blocks = scheduler_.tree().held();
  s.blocks = scheduler_.pool().size();
  s.used_blocks = scheduler_.pool().used();
  s.peak_used_blocks = scheduler_.pool().peak_used();
  s.block_bytes = executor_.block_bytes();
  return s;
}

}  // namespace jade::backbone
