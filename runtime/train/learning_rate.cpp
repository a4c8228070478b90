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

double RateShare(const RateSchedule& schedule, int64_t step) {
  if (step < schedule.warm_up) return static_cast<double>(step + 1) / static_cast<double>(schedule.warm_up);
  if (schedule.shape == RateSchedule::Shape::kConstant) return 1.0;
  const double passed = std::min(
      1.0, static_cast<double>(step - schedule.warm_up) / static_cast<double>(schedule.steps - schedule.warm_up));
  const double left =
      schedule.shape == RateSchedule::Shape::kLinear ? 1.0 - passed : 0.5 * (1.0 + std::cos(std::numbers::pi * passed));
  return schedule.final + (1.0 - schedule.final) * left;
}

}  // namespace jade::train
