#pragma once
// The learning rate over one stage.

#include "runtime/train/sft_config.h"

namespace jade::train {

// Linear from zero over the first warm_up · tokens, then a half cosine from lr to final_lr, when `done` tokens of the
// stage have been trained on.
double LearningRate(const SftStage& stage, int64_t done);

}  // namespace jade::train
