// Of class Scheduler: which sequences begin, and which wait for another's prefix.
#include <algorithm>
#include <exception>

#include "compiler/result/check.h"
#include "runtime/backbone/scheduler.h"

namespace jade::backbone {

using State = Sequence::State;

namespace {
// Waiting sequences looked at before a step; more would hold it up.
constexpr int kExamined = 256;

int64_t CommonTokens(const Sequence& a, const Sequence& b) {
  return std::mismatch(a.tokens.begin(), a.tokens.end(), b.tokens.begin(), b.tokens.end()).first - a.tokens.begin();
}
}  // namespace

void Scheduler::Admit() {
  for (int examined = 0; examined < kExamined && !waiting_.empty(); ++examined) {
    // The first in the order, so that a large one is not passed over for ever.
    if (active() >= options_.max_sequences || TryBegin(*waiting_.begin()) == Outcome::kNoRoom) return;
  }
}

Scheduler::Outcome Scheduler::TryBegin(Sequence* s) {
  PrefixMatch match;
  if (shares()) {
    // The last token is computed in any case: its logits are wanted.
    match = tree_.Find(WeightsOf(*s), std::span(s->tokens).first(s->tokens.size() - 1));
    int64_t shared = 0;
    if (Sequence* leader = FindLeader(*s, match.tokens(), &shared); leader != nullptr) {
      tree_.Release(match);
      Follow(s, leader, shared);
      return Outcome::kFollows;
    }
  }
  if (!HasRoom(*s, static_cast<int64_t>(match.blocks.size()))) {
    tree_.Release(match);
    return Outcome::kNoRoom;
  }
  Begin(s, match);
  return Outcome::kBegan;
}

bool Scheduler::HasRoom(const Sequence& s, int64_t shared_blocks) const {
  if (active_.empty()) return true;
  const auto soon = [&](const Sequence& of) {
    return BlocksFor(options_.alone ? of.most_tokens : std::min(of.length() + kKvBlockTokens, of.most_tokens));
  };
  int64_t needed = soon(s) - shared_blocks;
  for (const Sequence* a : active_) needed += std::max<int64_t>(0, soon(*a) - static_cast<int64_t>(a->blocks.size()));
  return pool_.unused() + tree_.reclaimable() >= needed;
}

void Scheduler::Begin(Sequence* s, const PrefixMatch& match) {
  s->computed = s->inserted = match.tokens() - match.partial_tokens;
  s->blocks = match.blocks;
  if (match.partial != kNoBlock) {
    CopyPartial(s, match);
    tree_.Release(std::span(&match.partial, 1));
  }
  waiting_.erase(s);
  s->state = State::kActive;
  s->passed_over = 0;
  active_.insert(std::lower_bound(active_.begin(), active_.end(), s, GoesBefore()), s);
  if (s->begun) return;
  s->begun = true;
  s->cached_tokens = std::min(s->computed, s->prompt_tokens);
  counts_.cached_tokens += s->cached_tokens;
  plan_.begun.push_back(s);
}

void Scheduler::CopyPartial(Sequence* s, const PrefixMatch& match) {
  const BlockId own = tree_.Take();
  if (own == kNoBlock) return;
  s->blocks.push_back(own);
  try {
    executor_.CopyBlock(match.partial, own, match.partial_tokens);
    s->computed += match.partial_tokens;
  } catch (const std::exception&) {
    // Then these tokens are computed; if the device is lost, the step will say so.
  }
}

Sequence* Scheduler::FindLeader(const Sequence& s, int64_t found, int64_t* shared) const {
  Sequence* leader = nullptr;
  *shared = found;
  for (Sequence* a : active_) {
    if (a->policy != s.policy || a->left() <= 1) continue;
    const int64_t common = WholeBlocks(std::min({CommonTokens(*a, s), a->prompt_tokens, s.length() - 1}));
    if (common <= *shared || common <= a->computed) continue;
    *shared = common;
    leader = a;
  }
  return leader;
}

void Scheduler::Follow(Sequence* s, Sequence* leader, int64_t shared) {
  waiting_.erase(s);
  s->state = State::kFollowing;
  s->leader = leader;
  s->wanted = shared;
  leader->followers.insert(s);
  ++counts_.followed;
}

void Scheduler::ReleaseFollowers(Sequence* leader, int64_t computed) {
  while (!leader->followers.empty()) {
    Sequence* s = *leader->followers.begin();
    if (s->wanted > computed) return;
    leader->followers.erase(leader->followers.begin());
    s->leader = nullptr;
    s->state = State::kWaiting;
    waiting_.insert(s);
  }
}

}  // namespace jade::backbone
