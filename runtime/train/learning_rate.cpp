#include "runtime/train/learning_rate.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace jade::train {

double LearningRate(const SftStage& stage, int64_t done) {
  const double share = std::clamp(static_cast<double>(done) / static_cast<double>(stage.tokens), 0.0, 1.0);
  if (share < stage.warm_up) return stage.lr * share / stage.warm_up;
  if (stage.warm_up >= 1.0) return stage.lr;
  const double fall = (share - stage.warm_up) / (1.0 - stage.warm_up);
  return stage.final_lr + (stage.lr - stage.final_lr) * 0.5 * (1.0 + std::cos(std::numbers::pi * fall));
}

}  // namespace jade::train
