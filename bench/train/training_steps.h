#pragma once
// Rows of whole training steps: roll-out, update and both, and the roll-out's calls made again by the engine alone. One
// thread.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "bench/engine/row.h"
#include "compiler/result/result.h"
#include "runtime/train/measured_step.h"

namespace jade::bench {

struct TrainingStepsOptions {
  std::string prefix;                     // of the rows
  int samples = 1;                        // after a roll-out that warms up
  bool updates = true;                    // false: roll-outs alone
  std::string dtype;                      // of the update's products, for `work`
  std::string work;                       // the last step as work for others (step_work.h), written here; empty: not
  std::function<Status()> before_sample;  // may fail, with kCancelled for one
  const std::atomic<bool>* cancel = nullptr;  // may be null
};

// PREFIX.rollout.calls_s, .rollout.s, .rollout.engine_calls_s, .rollout.engine_share (by turns: after each roll-out the
// engine alone) and, with updates, .step.update_s and .step.s.
Result<std::vector<EngineRow>> MeasureTrainingSteps(train::MeasuredStep& step, const TrainingStepsOptions& options);

}  // namespace jade::bench
