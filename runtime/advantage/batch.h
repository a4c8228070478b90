#pragma once
// The batch that advantages are computed from: T transitions (one call of a role each), flattened. The response tokens
// of transition t are offsets[t] … offsets[t+1] of every per-token array; N = offsets[T]. A view: the caller owns the
// arrays and keeps them alive and unchanged. Reading from several threads is fine.
//
// A token is *counted* when the policy had a choice there. Tokens with a single legal choice under a constraint are
// not: they leave loss, whitening and denominators, their advantage and return are 0, and GAE steps over them (the
// critic is not trained there either).

#include <cstddef>
#include <cstdint>
#include <span>

#include "compiler/result/result.h"

namespace jade::advantage {

struct Batch {
  std::span<const int64_t> offsets;     // [T+1], from 0, never falling
  std::span<const uint8_t> counted;     // [N], 0 or 1
  std::span<const int32_t> role;        // [T], 0 … roles−1
  int32_t roles = 0;                    // number of roles
  std::span<const int64_t> question;    // [T], any numbers: equal for transitions of the same question
  std::span<const int64_t> run;         // [T], equal for transitions of the same run (one sample of one question)
  std::span<const uint64_t> site;       // [T], the call site (or a hash of its path): groups are (question, site)
  std::span<const double> penalty;      // [T], ≥ 0, subtracted from the transition's own reward, times penalty_scale
  std::span<const double> team_reward;  // [T], of the transition's run

  // Per token; empty where the options do not ask for them.
  std::span<const float> values;               // [N], the critic's, before the token: GAE
  std::span<const float> log_probs;            // [N], natural, of the policy that acted (old): KL in the reward
  std::span<const float> reference_log_probs;  // [N], of the reference policy: KL in the reward

  // The data-flow graph of each run, for graph-gae: the transitions that used the value of transition t are
  // consumers[consumer_offsets[t] … consumer_offsets[t+1]], all of t's own run. What passes through tools, the
  // program's own functions or calls that are not in the batch is an edge all the same. A consumer is named once.
  std::span<const int64_t> consumer_offsets;  // [T+1], or empty: no edges
  std::span<const int32_t> consumers;
  // [T], 1 where the run's own result uses the value; empty: 1 exactly where there are no consumers.
  std::span<const uint8_t> in_result;

  // Counterfactual credit: what the run earned when the call of transition t was sampled again and everything that
  // does not depend on it replayed. None for most transitions.
  std::span<const int64_t> alternative_offsets;   // [T+1], or empty: no alternatives
  std::span<const double> alternative_rewards;    // team rewards
  std::span<const double> alternative_penalties;  // ≥ 0, of the resampled call itself; empty: 0

  size_t transitions() const { return offsets.empty() ? 0 : offsets.size() - 1; }
  size_t tokens() const { return offsets.empty() ? 0 : static_cast<size_t>(offsets.back()); }
  size_t begin(size_t transition) const { return static_cast<size_t>(offsets[transition]); }
  size_t end(size_t transition) const { return static_cast<size_t>(offsets[transition + 1]); }
};

// Sizes, ranges and finiteness of everything above; kInvalidArgument names the array and the first transition that is
// wrong. The graph's cycles are found by ReversedFlow (graph_gae.h). O(T + N).
Status CheckBatch(const Batch& batch);

// Number of counted tokens of a transition.
int64_t CountedTokens(const Batch& batch, size_t transition);

}  // namespace jade::advantage
