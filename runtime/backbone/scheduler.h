#pragma once
// Which tokens of which sequences make the next step, and which blocks of keys and values they have.
//
// A step is of one set of weights; those that have work take turns. It holds one token of every sequence being decoded
// and up to `prefill_tokens` tokens of prompts (continuous batching, Yu et al., "Orca", OSDI 2022; prompts in slices,
// Agrawal et al. 2023, https://arxiv.org/abs/2308.16369).
//
// Order. Sequences begin in the order of their deadlines, then of arrival, as long as there is room. Within a step's
// room for prompts go first those that others wait for, then earlier deadlines, then whoever has least left to compute;
// every step in which a prompt waits counts as if a part of it were computed, so a long one is not held up for ever.
//
// Memory. A sequence begins when there is room for its prompt and for one more block of each that is active; further
// blocks are taken as they are needed. When none is left, unused prefixes are evicted; when none of those is left, the
// last in the order is preempted: its blocks go to the prefix tree (from where they are evicted as needed) and what is
// gone is computed again later. The first in the order is never preempted, so everything ends, provided that each
// sequence fits by itself; see Fits.
//
// Prefixes. What the prefix tree has is not computed. A sequence that shares whole blocks with the prompt of an active
// one that has yet to compute them waits until they are there. Prompts enter the tree as they are computed, replies
// when they are done.
//
// Used by one thread, the engine's. The executor outlives the scheduler.

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "runtime/backbone/block_pool.h"
#include "runtime/backbone/executor.h"
#include "runtime/backbone/prefix_tree.h"
#include "runtime/backbone/sequence.h"

namespace jade::backbone {

struct SchedulerOptions {
  int policies = 1;
  int max_sequences = 64;        // active at once
  int64_t prefill_tokens = 512;  // prompt tokens in a step
  bool share_prefixes = true;    // off: every prompt is computed from its first token
  // Every sequence by itself, its prompt in one step, nothing shared and nothing preempted: what an executor that is
  // not batch-invariant needs to give the same results every time.
  bool alone = false;
};

// What the scheduler has counted since it was made.
struct SchedulerCounts {
  int64_t steps = 0;
  int64_t prefill_tokens = 0;  // computed: of prompts, and again after preemption
  int64_t cached_tokens = 0;   // of prompts, found in the prefix tree when the sequence began
  int64_t decode_tokens = 0;   // computed one at a time
  int64_t preemptions = 0;
  int64_t followed = 0;  // times that a sequence waited for another's prefix
};

class Scheduler {
 public:
  Scheduler(Executor* executor, SchedulerOptions options);

  // Whether that many tokens fit when nothing else is there. What does not must not be added.
  bool Fits(int64_t tokens) const { return BlocksFor(tokens) <= pool_.size(); }

  void Add(Sequence* sequence);
  // Ends a sequence in any state and gives its blocks back. With `keep` what was computed stays in the prefix tree
  // until the room is needed.
  void Remove(Sequence* sequence, bool keep);

  struct Part {  // the next `rows` tokens of a sequence
    Sequence* sequence = nullptr;
    int64_t rows = 0;
    bool wants_logits = false;
  };
  // The next step; valid until the next call of anything here. Without parts, nothing is there to do. Sequences that
  // began are in `begun`.
  struct Plan {
    std::vector<Part> parts;
    std::vector<Sequence*> begun;
    Step step;
  };
  const Plan& PlanStep();
  // The plan's step has run. Otherwise each of its sequences must be removed.
  void StepDone();

  // The weights of a policy are others now. None of its sequences may be here.
  void NewVersion(int policy);

  int64_t size() const { return size_; }
  int64_t active() const { return static_cast<int64_t>(active_.size()); }
  int64_t size_of(int policy) const { return policies_[static_cast<size_t>(policy)].size; }
  const SchedulerCounts& counts() const { return counts_; }
  const BlockPool& pool() const { return pool_; }
  PrefixTree& tree() { return tree_; }
  const PrefixTree& tree() const { return tree_; }

 private:
  struct Policy {
    uint64_t version = 0;
    int64_t size = 0;  // sequences
  };
  enum class Outcome : uint8_t { kBegan, kFollows, kNoRoom };

  WeightSet WeightsOf(const Sequence& s) const;
  bool shares() const { return options_.share_prefixes && !options_.alone; }
  // admission.cpp
  void Admit();
  Outcome TryBegin(Sequence* s);
  bool HasRoom(const Sequence& s, int64_t shared_blocks) const;
  void Begin(Sequence* s, const PrefixMatch& match);
  void CopyPartial(Sequence* s, const PrefixMatch& match);
  // The active sequence whose prompt will give `s` most beyond `found` tokens, and how many tokens that makes.
  Sequence* FindLeader(const Sequence& s, int64_t found, int64_t* shared) const;
  void Follow(Sequence* s, Sequence* leader, int64_t shared);
  void ReleaseFollowers(Sequence* leader, int64_t computed);
  void Leave(Sequence* s);
  // step_plan.cpp
  void PlanAlone();
  void PlanDecode(int policy);
  void PlanPrefill(int policy);
  void PlanFirst();
  void AddPart(Sequence* s, int64_t rows);
  // Blocks for the first `tokens` tokens, as many as there are; the tokens that then have one.
  int64_t Provide(Sequence* s, int64_t tokens);
  bool ProvideOrPreempt(Sequence* s, int64_t tokens);
  void Preempt(Sequence* s);
  void FinishPlan();
  void KeepComputed(Sequence* s, int64_t tokens);

  Executor& executor_;
  const SchedulerOptions options_;
  BlockPool pool_;
  PrefixTree tree_;
  std::vector<Policy> policies_;
  std::set<Sequence*, GoesBefore> waiting_;
  std::vector<Sequence*> active_;  // in the order of GoesBefore
  int64_t size_ = 0;
  int turn_ = 0;             // the policy whose turn it is
  uint64_t alone_turn_ = 0;  // the sequence after whose arrival it goes on
  Plan plan_;
  std::vector<StepSegment> segments_;
  std::vector<Sequence*> prompts_;
  SchedulerCounts counts_;
};

}  // namespace jade::backbone
