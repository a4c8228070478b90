#pragma once
// Which transitions rejection sampling trains on: the calls of runs that earned enough. Pure functions, any thread.

#include <cstdint>
#include <vector>

#include "runtime/rollout/transition.h"
#include "runtime/train/train_config.h"

namespace jade::train {

struct Accepted {
  std::vector<uint8_t> transitions;  // by transition of the batch: 1 where it is trained
  int64_t runs = 0;
  int64_t calls = 0;
};

// Of the trained transitions those without a penalty of their own, in runs whose team reward is `threshold` at least
// and, with `best_of_group`, the highest among the samples of the question; of equal ones the first.
Accepted AcceptTransitions(const rollout::Batch& batch, const RejectionConfig& config);

}  // namespace jade::train
