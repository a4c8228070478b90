#pragma once
// The learning rate over one stage of supervised training, and over the steps of a training by reinforcement.

#include "runtime/train/sft_config.h"
#include "runtime/train/train_config.h"

namespace jade::train {

// Linear from zero over the first warm_up · tokens, then a half cosine from lr to final_lr, when `done` tokens of the
// stage have been trained on.
double LearningRate(const SftStage& stage, int64_t done);

// The share of the configured rate in `step`, counted from 0.
double RateShare(const RateSchedule& schedule, int64_t step);

}  // namespace jade::train
