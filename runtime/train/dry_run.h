#pragma once
// What a step of a training run would take, found from a smaller one that is thrown away. One thread.

#include <atomic>
#include <cstdint>

#include "compiler/result/result.h"
#include "runtime/train/train_config.h"
#include "runtime/train/train_parts.h"

namespace jade::train {

struct DryRun {
  int64_t steps = 0;
  int64_t parameters = 0;
  int64_t pilot_questions = 0;
  double calls = 0, prompt_tokens = 0, response_tokens = 0;  // of a step
  double rollout_seconds = 0, update_seconds = 0;            // of a step
  double total_seconds = 0;
  int64_t peak_bytes = 0;  // that the pilot held: a step needs little more, for micro-batches have a fixed size
};
// Writes nothing. kCancelled when `cancel` (may be null) becomes true.
Result<DryRun> TryTraining(const TrainConfig& config, TrainParts parts, const std::atomic<bool>* cancel);

}  // namespace jade::train
