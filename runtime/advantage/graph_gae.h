#pragma once
// GAE along the data-flow graph of a run instead of the order in which its calls happened to finish. Pure functions,
// any thread.
//
// The last token of call c bootstraps from the calls U(c) that used its value and have themselves a path to the run's
// result. With m = |U(c)|, and the result as one use more where c is part of it (s = 1, else 0):
//   δ_last = r_last + γ_graph · (1/(m+s)) Σ_{u ∈ U(c)} V(first token of u) − V_last
//   A_last = δ_last + γ_graph λ_graph · (1/(m+s)) Σ_{u ∈ U(c)} A(first token of u)
//   r_last = s/(m+s) · team reward − local penalty
// and the tokens before as in gae.h. So a sink has the whole team reward, a chain with all discounts 1 telescopes to
// A_t = team − V_t at every call, and a diamond's branches are averaged.
// - Local terms (penalty, KL) do not flow: A(first token of u) is taken without them. With λ_graph < 1 the critic's own
//   expectation of u's penalty does, since one critic predicts the whole return.
// - A call whose value reached nothing (no path to the result) has its penalty and no team reward; it is no use either:
//   calls before it do not see it.
// - γ_graph and λ_graph are those of the call that bootstraps.

#include <vector>

#include "runtime/advantage/batch.h"
#include "runtime/advantage/options.h"
#include "runtime/advantage/rewards.h"

namespace jade::advantage {

// The transitions in an order in which each comes after all its consumers. kInvalidArgument for a cycle, naming one
// transition of it. O(T + edges).
Result<std::vector<int32_t>> ReversedFlow(const Batch& batch);

struct GraphGae {
  std::vector<double> advantages;    // [N]
  std::vector<double> returns;       // [N], advantages + values
  std::vector<double> team_at_last;  // [T], the part of A_last that is team reward (with all values 0)
  std::vector<uint8_t> reached;      // [T], 1: has a path to the result
  int64_t unreached = 0;             // how many have none
};

// For every transition of the batch, whatever estimator its role has; discounts by role. Needs Batch::values.
Result<GraphGae> EstimateGraphGae(const Batch& batch, const Options& options, const Rewards& rewards);

}  // namespace jade::advantage
