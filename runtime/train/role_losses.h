#pragma once
// What a token's loss is made of, by role.

#include <string>
#include <vector>

#include "runtime/advantage/policy_loss.h"
#include "runtime/train/train_config.h"

namespace jade::train {

// Of each role the update's settings, with the role's own entropy and KL coefficients in their place. `kl` is the
// coefficient that the controller holds; it counts only where the KL is in the loss.
std::vector<advantage::PolicyLossOptions<float>> RoleLosses(const TrainConfig& config, double kl,
                                                            const std::vector<std::string>& roles);

}  // namespace jade::train
