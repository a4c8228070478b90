#include "runtime/advantage/rewards.h"

#include <fmt/format.h>

#include "runtime/advantage/kl.h"

namespace jade::advantage {
namespace {

// Σ of the estimates over the counted tokens of a transition, each written times `coefficient` where `terms` has room.
double Divergence(const Batch& batch, const KlOptions& options, size_t transition, std::span<double> terms) {
  double sum = 0.0;
  for (size_t i = batch.begin(transition); i < batch.end(transition); ++i) {
    if (batch.counted[i] == 0) continue;
    const double kl = EstimateKl<double>(options.estimator, batch.log_probs[i], batch.reference_log_probs[i]).value;
    sum += kl;
    if (!terms.empty()) terms[i] = options.coefficient * kl;
  }
  return sum;
}

}  // namespace

Result<Rewards> MakeRewards(const Batch& batch, const Options& options) {
  const bool has_both = !batch.log_probs.empty() && !batch.reference_log_probs.empty();
  const bool in_reward = options.kl.in == KlPlace::kReward;
  if (in_reward && !has_both && batch.tokens() > 0) {
    return Error(
        ErrorCode::kInvalidArgument,
        "batch: `kl.in: reward` needs `log_probs` and `reference_log_probs`; compute them, or set `kl.in: none`");
  }
  Rewards rewards;
  const size_t count = batch.transitions();
  rewards.team.assign(batch.team_reward.begin(), batch.team_reward.end());
  rewards.penalty.resize(count);
  rewards.whole.resize(count);
  if (in_reward) rewards.kl.assign(batch.tokens(), 0.0);
  for (size_t t = 0; t < count; ++t) {
    rewards.penalty[t] = options.penalty_scale * batch.penalty[t];
    rewards.whole[t] = rewards.team[t] - rewards.penalty[t];
    if (!has_both) continue;
    const double divergence = Divergence(batch, options.kl, t, rewards.kl);
    if (in_reward) rewards.whole[t] -= options.kl.coefficient * divergence;
    if (const int64_t counted = CountedTokens(batch, t); counted > 0) {
      rewards.divergence.Add(divergence / static_cast<double>(counted));
    }
  }
  return rewards;
}

std::vector<double> TokenRewards(const Batch& batch, const Rewards& rewards) {
  std::vector<double> tokens(batch.tokens(), 0.0);
  for (size_t i = 0; i < rewards.kl.size(); ++i) tokens[i] = -rewards.kl[i];
  for (size_t t = 0; t < batch.transitions(); ++t) {
    if (batch.end(t) > batch.begin(t)) tokens[batch.end(t) - 1] += rewards.team[t] - rewards.penalty[t];
  }
  return tokens;
}

std::vector<RoleRewards> SumByRole(const Batch& batch, const Rewards& rewards) {
  std::vector<RoleRewards> by_role(static_cast<size_t>(batch.roles));
  for (size_t t = 0; t < batch.transitions(); ++t) {
    RoleRewards& role = by_role[static_cast<size_t>(batch.role[t])];
    role.whole.Add(rewards.whole[t]);
    role.team.Add(rewards.team[t]);
    role.penalty.Add(rewards.penalty[t]);
  }
  return by_role;
}

}  // namespace jade::advantage
