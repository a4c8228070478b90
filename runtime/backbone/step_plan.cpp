// Of class Scheduler: which rows the next step has.
#include <algorithm>
#include <tuple>

#include "compiler/result/check.h"
#include "runtime/backbone/scheduler.h"

namespace jade::backbone {

namespace {
// A prompt that waited this many steps goes before one that is a whole step's room shorter.
constexpr int64_t kPatience = 4;
}  // namespace

const Scheduler::Plan& Scheduler::PlanStep() {
  plan_.parts.clear();
  plan_.begun.clear();
  Admit();
  if (active_.empty()) return plan_;
  if (options_.alone) {
    PlanAlone();
  } else {
    for (int tried = 0; tried < options_.policies && plan_.parts.empty(); ++tried) {
      const int policy = turn_;
      turn_ = (turn_ + 1) % options_.policies;
      PlanDecode(policy);
      PlanPrefill(policy);
    }
    if (plan_.parts.empty()) PlanFirst();
  }
  FinishPlan();
  return plan_;
}

// In turns, by arrival.
void Scheduler::PlanAlone() {
  Sequence *next = nullptr, *first = nullptr;
  for (Sequence* s : active_) {
    if (first == nullptr || s->arrival < first->arrival) first = s;
    if (s->arrival > alone_turn_ && (next == nullptr || s->arrival < next->arrival)) next = s;
  }
  if (next == nullptr) next = first;
  alone_turn_ = next->arrival;
  Provide(next, next->most_tokens);
  AddPart(next, next->left());
}

void Scheduler::PlanDecode(int policy) {
  // Whoever is preempted comes later in the order than the one that needs the block, or is that one.
  for (size_t i = 0; i < active_.size(); ++i) {
    Sequence* s = active_[i];
    if (s->policy == policy && s->left() == 1 && ProvideOrPreempt(s, s->length())) AddPart(s, 1);
  }
}

void Scheduler::PlanPrefill(int policy) {
  prompts_.clear();
  for (Sequence* s : active_) {
    if (s->policy == policy && s->left() > 1) prompts_.push_back(s);
  }
  const auto rank = [&](const Sequence* s) {
    return std::make_tuple(s->followers.empty(), s->deadline == std::chrono::steady_clock::time_point{}, s->deadline,
                           s->left() - s->passed_over * options_.prefill_tokens / kPatience, s->arrival);
  };
  std::sort(prompts_.begin(), prompts_.end(), [&](const Sequence* a, const Sequence* b) { return rank(a) < rank(b); });
  int64_t room = options_.prefill_tokens;
  for (Sequence* s : prompts_) {
    int64_t end = s->computed + std::min(s->left(), room);
    // Cut between blocks, where prefixes can be shared.
    if (end < s->length() && WholeBlocks(end) > s->computed) end = WholeBlocks(end);
    if (room > 0) end = Provide(s, end);
    const int64_t rows = end - s->computed;
    if (room <= 0 || rows <= 0) {
      ++s->passed_over;
      continue;
    }
    s->passed_over = 0;
    room -= rows;
    AddPart(s, rows);
  }
}

// No block is left and nothing is being decoded: the first in the order goes on at the cost of the last.
void Scheduler::PlanFirst() {
  Sequence* first = active_.front();
  const int64_t end = std::min(first->length(), first->computed + options_.prefill_tokens);
  JADE_CHECK(ProvideOrPreempt(first, end), "{} tokens do not fit into {} blocks", end, pool_.size());
  AddPart(first, end - first->computed);
}

int64_t Scheduler::Provide(Sequence* s, int64_t tokens) {
  while (static_cast<int64_t>(s->blocks.size()) < BlocksFor(tokens)) {
    const BlockId block = tree_.Take();
    if (block == kNoBlock) break;
    s->blocks.push_back(block);
  }
  return std::min(tokens, static_cast<int64_t>(s->blocks.size()) * kKvBlockTokens);
}

bool Scheduler::ProvideOrPreempt(Sequence* s, int64_t tokens) {
  while (Provide(s, tokens) < tokens) {
    Sequence* last = active_.back();
    if (last == s && active_.size() == 1) return false;
    Preempt(last);
    if (last == s) return false;
  }
  return true;
}

void Scheduler::AddPart(Sequence* s, int64_t rows) {
  const bool wants_logits = rows == s->left();
  plan_.parts.push_back({s, rows, wants_logits});
  if (s->left() == 1 && s->length() > s->prompt_tokens) {
    ++counts_.decode_tokens;
  } else {
    counts_.prefill_tokens += rows;
  }
}

void Scheduler::FinishPlan() {
  segments_.clear();
  for (const Part& part : plan_.parts) {
    const Sequence& s = *part.sequence;
    segments_.push_back({s.blocks, s.computed,
                         std::span(s.tokens).subspan(static_cast<size_t>(s.computed), static_cast<size_t>(part.rows)),
                         part.wants_logits});
  }
  plan_.step = {plan_.parts.front().sequence->policy, segments_};
  ++counts_.steps;
}

}  // namespace jade::backbone
