#pragma once
// Everything between rewards and the loss in one call: rewards, the estimator of each role, counterfactual baselines,
// whitening, statistics. Pure functions, any thread. O(N + T log T + edges) time, a few doubles a token.
//
// Data-parallel trainers give each rank whole questions and sum three small arrays between the stages:
//   rewards = RewardMoments(batch, options)                → sum over ranks
//   raw = EstimateRaw(batch, options, rewards)             → sum raw.whitening over ranks
//   estimates = Whiten(batch, options, raw, whitening)
// which gives what EstimateAdvantages gives on the batches together, but for rounding.

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/advantage/batch.h"
#include "runtime/advantage/groups.h"
#include "runtime/advantage/moments.h"
#include "runtime/advantage/options.h"
#include "runtime/advantage/rewards.h"

namespace jade::advantage {

// Advantages before whitening, over counted tokens, summable over ranks. `team` and `penalty` are the same estimator
// applied to that part of the reward alone, all values 0; the rest of `total` is the critic's and the KL's part. When
// the variance of `penalty` exceeds that of `team`, whitening scales by format errors rather than by answers.
struct RoleStatistics {
  int64_t calls = 0;
  Moments total;
  Moments team;
  Moments penalty;
  Moments reward;  // over calls: Rewards::whole
};

struct Counts {
  GroupCounts groups;                // of the group estimators
  int64_t counterfactual_calls = 0;  // transitions whose baseline were their alternatives
  int64_t unreached_calls = 0;       // graph-gae: transitions whose value reached nothing
  int64_t empty_calls = 0;           // transitions without a counted token
};

struct Estimates {
  std::vector<float> advantages;  // [N], whitened, 0 where not counted
  // [N], value targets, 0 where not counted: advantage + value of gae and graph-gae, discounted reward to go of the
  // others. Counterfactual baselines do not touch them.
  std::vector<float> returns;
  std::vector<double> call_advantages;  // [T], mean over the transition's counted tokens before whitening
  std::vector<double> call_rewards;     // [T], team − penalty − KL
  std::vector<RoleStatistics> by_role;  // [roles]
  Moments kl;                           // Rewards::divergence, for KlController::Update
  Counts counts;
};

struct RawEstimates {
  Estimates estimates;             // advantages not yet whitened
  std::vector<Moments> whitening;  // by whitening group, of advantages over counted tokens
};

// All stages for one process. Errors: CheckBatch, CheckOptions, what an estimator in use needs and the batch lacks,
// a cycle in the graph.
Result<Estimates> EstimateAdvantages(const Batch& batch, const Options& options);

// Moments of rewards by role [roles]: the fallback baselines of groups of one.
Result<std::vector<RoleRewards>> RewardMoments(const Batch& batch, const Options& options);

// `by_role` [roles]: RewardMoments of all ranks together.
Result<RawEstimates> EstimateRaw(const Batch& batch, const Options& options, std::span<const RoleRewards> by_role);

// `whitening`: RawEstimates::whitening of all ranks together. Sizes must agree.
Result<Estimates> Whiten(const Batch& batch, const Options& options, RawEstimates raw,
                         std::span<const Moments> whitening);

// (x − mean) / sqrt(variance + 1e-8), variance unbiased: verl's masked_whiten. Groups: one of all roles (`batch`), one
// a role (`role`). Under `none` only reinforce++ and reinforce++-baseline are normalised, each over all tokens of the
// roles that use it, since that normalisation is part of their definition. A group with a single token gives 0.
inline constexpr double kWhitenEpsilon = 1e-8;

// Whitening group of a role, −1: left as it is. Groups are numbered from 0 below WhiteningGroups.
int32_t WhiteningGroup(const Options& options, int32_t role);
int32_t WhiteningGroups(const Options& options, int32_t roles);

}  // namespace jade::advantage
