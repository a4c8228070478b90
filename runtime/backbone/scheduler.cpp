#include "runtime/backbone/scheduler.h"

#include <algorithm>

#include "compiler/result/check.h"

namespace jade::backbone {

using State = Sequence::State;

Scheduler::Scheduler(Executor* executor, SchedulerOptions options)
    : executor_(*executor),
      options_(options),
      pool_(executor->block_count()),
      tree_(&pool_),
      policies_(static_cast<size_t>(options.policies)) {}

WeightSet Scheduler::WeightsOf(const Sequence& s) const {
  return {s.policy, policies_[static_cast<size_t>(s.policy)].version};
}

void Scheduler::Add(Sequence* sequence) {
  JADE_CHECK(sequence->state == State::kNew && !sequence->tokens.empty());
  JADE_CHECK(Fits(sequence->most_tokens), "{} tokens never fit", sequence->most_tokens);
  sequence->state = State::kWaiting;
  waiting_.insert(sequence);
  ++size_;
  ++policies_[static_cast<size_t>(sequence->policy)].size;
}

void Scheduler::Remove(Sequence* sequence, bool keep) {
  if (keep) KeepComputed(sequence, sequence->computed);
  Leave(sequence);
  sequence->state = State::kNew;
  --size_;
  --policies_[static_cast<size_t>(sequence->policy)].size;
}

// Out of the place that its state gives it, with its blocks given back.
void Scheduler::Leave(Sequence* s) {
  switch (s->state) {
    case State::kNew:
      JADE_UNREACHABLE("a sequence that is not here");
    case State::kWaiting:
      waiting_.erase(s);
      break;
    case State::kFollowing:
      s->leader->followers.erase(s);
      s->leader = nullptr;
      break;
    case State::kActive:
      active_.erase(std::lower_bound(active_.begin(), active_.end(), s, GoesBefore()));
      ReleaseFollowers(s, s->most_tokens);
      break;
  }
  tree_.Release(s->blocks);
  s->blocks.clear();
  s->computed = s->inserted = 0;
}

void Scheduler::KeepComputed(Sequence* s, int64_t tokens) {
  if (!shares() || tokens <= s->inserted) return;
  tree_.Insert(WeightsOf(*s), std::span(s->tokens).first(static_cast<size_t>(tokens)), s->pinned_tokens, &s->blocks);
  s->inserted = tokens;
}

void Scheduler::Preempt(Sequence* s) {
  KeepComputed(s, s->computed);
  Leave(s);
  s->state = State::kWaiting;
  waiting_.insert(s);
  ++counts_.preemptions;
}

void Scheduler::StepDone() {
  for (const Part& part : plan_.parts) {
    Sequence* s = part.sequence;
    s->computed += part.rows;
    // A reply is kept when it is done; until then nobody else can want it.
    if (s->inserted < WholeBlocks(s->prompt_tokens)) KeepComputed(s, WholeBlocks(s->computed));
    ReleaseFollowers(s, s->computed);
  }
}

void Scheduler::NewVersion(int policy) {
  Policy& state = policies_[static_cast<size_t>(policy)];
  JADE_CHECK(state.size == 0, "{} sequences would mix weights", state.size);
  tree_.Drop({policy, state.version});
  ++state.version;
  executor_.Refresh(policy);
}

}  // namespace jade::backbone
