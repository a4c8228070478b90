#include "runtime/train/role_losses.h"

namespace jade::train {

std::vector<advantage::PolicyLossOptions<float>> RoleLosses(const TrainConfig& config, double kl,
                                                            const std::vector<std::string>& roles) {
  advantage::PolicyLossOptions<float> loss;
  loss.clip_low = static_cast<float>(config.update.clip_low);
  loss.clip_high = static_cast<float>(config.update.clip_high);
  loss.dual_clip = static_cast<float>(config.update.dual_clip);
  loss.importance_cap = static_cast<float>(config.update.importance_cap);
  loss.entropy_coefficient = static_cast<float>(config.update.entropy);
  loss.kl_estimator = config.advantage.kl.estimator;
  if (config.advantage.kl.in == advantage::KlPlace::kLoss) loss.kl_coefficient = static_cast<float>(kl);
  std::vector<advantage::PolicyLossOptions<float>> losses(roles.size(), loss);
  for (size_t role = 0; role < roles.size(); ++role) {
    const auto own = config.per_role.find(roles[role]);
    if (own == config.per_role.end()) continue;
    if (own->second.entropy) losses[role].entropy_coefficient = static_cast<float>(*own->second.entropy);
    if (own->second.kl) losses[role].kl_coefficient = static_cast<float>(*own->second.kl);
  }
  return losses;
}

}  // namespace jade::train
