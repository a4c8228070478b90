#pragma once
// From team reward, local penalty and KL to rewards. Pure functions, any thread.

#include <vector>

#include "runtime/advantage/batch.h"
#include "runtime/advantage/moments.h"
#include "runtime/advantage/options.h"

namespace jade::advantage {

// The reward of token i is −kl[i], plus team[t] − penalty[t] on the last token of transition t (arXiv 2601.21916: the
// whole reward lands on the last response token). When that token is not counted, its reward belongs to the last
// counted one before it.
struct Rewards {
  std::vector<double> team;     // [T], the team reward
  std::vector<double> penalty;  // [T], penalty_scale · penalty, ≥ 0
  // [N], coefficient · estimate on counted tokens, 0 elsewhere; empty unless the KL is in the reward.
  std::vector<double> kl;
  // Sum over the transition: team − penalty − Σ kl. What the group estimators compare.
  std::vector<double> whole;  // [T]
  // The divergence itself (without coefficient), over transitions: each gives the mean over its counted tokens. Empty
  // unless both log-probabilities are there.
  Moments divergence;
};

// Moments of the rewards of one role's transitions: the fallback baseline of groups of one. Summable over ranks.
struct RoleRewards {
  Moments whole;
  Moments team;
  Moments penalty;

  void Add(const RoleRewards& other) {
    whole.Add(other.whole);
    team.Add(other.team);
    penalty.Add(other.penalty);
  }
};

// Errors: KL in the reward without log-probabilities of policy and reference. The batch has passed CheckBatch.
Result<Rewards> MakeRewards(const Batch& batch, const Options& options);

// The per-token rewards [N] as described above.
std::vector<double> TokenRewards(const Batch& batch, const Rewards& rewards);

// By role [Batch::roles].
std::vector<RoleRewards> SumByRole(const Batch& batch, const Rewards& rewards);

}  // namespace jade::advantage
