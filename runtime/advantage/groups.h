#pragma once
// Baselines from groups of calls made at the same place for the same question, instead of a critic. Pure functions, any
// thread.
//
// A group is (question, site): calls that a run makes twice at a site are both in it, and uneven numbers of calls need
// no truncation. All calls of a run share its team reward, so a group whose calls are all of one run says nothing about
// them: it counts as a group of one. Such calls fall back on the mean reward of their role in the batch (for GRPO with
// its standard deviation), or of the whole batch when the role has a single call there; how many did is returned.

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/advantage/batch.h"
#include "runtime/advantage/options.h"
#include "runtime/advantage/rewards.h"

namespace jade::advantage {

struct GroupCounts {
  int64_t groups = 0;          // (question, site) pairs among the transitions asked for
  int64_t single_run = 0;      // of them, those that are of one run
  int64_t flat = 0;            // of the others, those whose rewards are all equal: no signal
  int64_t fallback_calls = 0;  // transitions that used the fallback baseline

  friend bool operator==(const GroupCounts&, const GroupCounts&) = default;
};

// Group number of each transition, dense from 0 in order of first appearance. O(T).
std::vector<int32_t> NumberGroups(const Batch& batch);

// advantage = scale · (reward − baseline), of the whole reward and, for the statistics, of two parts of it.
struct GroupEstimate {
  double baseline = 0.0;
  double team_baseline = 0.0;
  double penalty_baseline = 0.0;
  double scale = 1.0;
  bool fallback = false;
};

struct GroupEstimates {
  std::vector<GroupEstimate> estimates;  // [T], of the transitions asked for; others untouched defaults
  GroupCounts counts;
};

// `by_role` [roles]: SumByRole of the whole batch (summed over ranks). Transitions of roles without a group estimator
// are not asked for, and are no member of any group; a group whose roles have different estimators serves each with its
// own formula.
//   GRPO (Shao et al. 2024, arXiv 2402.03300): (r − mean) / (std + ε), std unbiased; without division Dr. GRPO (Liu et
//     al. 2025, arXiv 2503.20783).
//   RLOO (Kool et al. 2019; Ahmadian et al. 2024, arXiv 2402.14740): r − mean of the group's other calls. Left out are
//     all calls of the own run, which is the own call alone when a run calls the site once.
//   REINFORCE++-baseline (Hu et al. 2025, arXiv 2501.03262): r − mean; normalised over the batch afterwards
//   (estimate.h).
GroupEstimates EstimateGroups(const Batch& batch, const Options& options, const Rewards& rewards,
                              std::span<const RoleRewards> by_role);

// [T], 1 for calls whose advantage is zero before whitening whatever the policy: the rewards of their group, of two
// runs at least, are all equal, and no alternatives of their own say otherwise. Errors: as MakeRewards.
Result<std::vector<uint8_t>> CallsWithoutSignal(const Batch& batch, const Options& options);

// Whether the estimator compares calls of a group: grpo, rloo, reinforce++-baseline.
bool UsesGroups(Estimator estimator);

}  // namespace jade::advantage
