#include "runtime/train/advantages.h"

#include <algorithm>
#include <utility>

#include "runtime/train/credit_view.h"

namespace jade::train {

size_t TrainedCount(const rollout::Batch& batch) {
  return static_cast<size_t>(std::count_if(batch.transitions.begin(), batch.transitions.end(),
                                           [](const rollout::Transition& t) { return t.trained; }));
}

Result<advantage::Estimates> EstimateTogether(const advantage::Batch& view, const advantage::Options& options,
                                              Collective& collective) {
  JADE_ASSIGN_OR_RETURN(std::vector<advantage::RoleRewards> rewards, advantage::RewardMoments(view, options));
  JADE_TRY(SumMoments(collective, rewards));
  JADE_ASSIGN_OR_RETURN(advantage::RawEstimates raw, advantage::EstimateRaw(view, options, rewards));
  std::vector<advantage::Moments> whitening = raw.whitening;
  JADE_TRY(SumMoments(collective, whitening));
  return advantage::Whiten(view, options, std::move(raw), whitening);
}

Result<Informative> FindInformative(const rollout::Batch& batch, const advantage::Options& options, LegalTokens& legal,
                                    Collective& collective) {
  JADE_ASSIGN_OR_RETURN(const PolicyBatch whole, MakePolicyBatch(batch, {.pack = false}, legal, at::kCPU));
  const CreditView credit(batch, whole, {}, {});
  JADE_ASSIGN_OR_RETURN(const std::vector<uint8_t> without, advantage::CallsWithoutSignal(credit.view(), options));
  JADE_ASSIGN_OR_RETURN(advantage::Estimates all, EstimateTogether(credit.view(), options, collective));
  Informative found{std::vector<uint8_t>(batch.transitions.size(), 0), {}};
  std::vector<float> advantages, returns;
  for (size_t i = 0; i < without.size(); ++i) {
    if (without[i] != 0) continue;
    found.transitions[static_cast<size_t>(whole.transitions[i] - batch.transitions.data())] = 1;
    const int64_t begin = whole.offsets[i], end = whole.offsets[i + 1];
    advantages.insert(advantages.end(), all.advantages.begin() + begin, all.advantages.begin() + end);
    returns.insert(returns.end(), all.returns.begin() + begin, all.returns.begin() + end);
  }
  found.estimates = std::move(all);
  found.estimates.advantages = std::move(advantages);
  found.estimates.returns = std::move(returns);
  return found;
}

BatchCredit CreditOf(const rollout::Batch& batch, const PolicyBatch& flat, const advantage::Estimates& estimates) {
  const auto tokens = static_cast<size_t>(batch.action_tokens());
  BatchCredit credit{std::vector<uint8_t>(tokens, 0), std::vector<float>(tokens, 0), std::vector<float>(tokens, 0)};
  size_t place = 0, trained = 0;
  for (const rollout::Transition& transition : batch.transitions) {
    if (trained < flat.transitions.size() && flat.transitions[trained] == &transition) {
      const auto first = static_cast<size_t>(flat.offsets[trained++]);
      for (size_t i = 0; i < transition.action.size(); ++i) {
        credit.counted[place + i] = flat.counted[first + i];
        credit.advantages[place + i] = estimates.advantages[first + i];
        credit.returns[place + i] = estimates.returns[first + i];
      }
    }
    place += transition.action.size();
  }
  return credit;
}

}  // namespace jade::train
