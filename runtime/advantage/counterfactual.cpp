#include "runtime/advantage/counterfactual.h"

namespace jade::advantage {

int64_t Alternatives(const Batch& batch, size_t transition) {
  if (batch.alternative_offsets.empty()) return 0;
  return batch.alternative_offsets[transition + 1] - batch.alternative_offsets[transition];
}

AlternativeMean CounterfactualBaseline(const Batch& batch, const Options& options, const Rewards& rewards,
                                       size_t transition) {
  const auto begin = static_cast<size_t>(batch.alternative_offsets[transition]);
  const auto end = static_cast<size_t>(batch.alternative_offsets[transition + 1]);
  JADE_CHECK(end > begin, "transition {} has no alternatives", transition);
  AlternativeMean mean;
  for (size_t i = begin; i < end; ++i) {
    mean.team += batch.alternative_rewards[i];
    if (!batch.alternative_penalties.empty()) mean.penalty += options.penalty_scale * batch.alternative_penalties[i];
  }
  mean.whole = mean.team - mean.penalty;
  auto members = static_cast<double>(end - begin);
  if (options.counterfactual_includes_own) {
    mean.whole += rewards.whole[transition];
    mean.team += rewards.team[transition];
    mean.penalty += rewards.penalty[transition];
    members += 1.0;
  }
  return {.whole = mean.whole / members, .team = mean.team / members, .penalty = mean.penalty / members};
}

}  // namespace jade::advantage
