#pragma once
// The steps that `jade bench train` measures: the questions of data/atlas through workflows/jade.jade. In jade-backbone
// only. One thread.

#include <atomic>
#include <memory>
#include <string>

#include "cli/backbone.h"
#include "compiler/result/result.h"
#include "runtime/train/measured_step.h"

namespace jade::cli {

// `prefix` names the rows: "train" is nano, "train.smollm2" the other shape. The result holds what it runs with.
Result<std::unique_ptr<train::MeasuredStep>> MakeBenchStep(const std::string& prefix, const TrainBenchCommand& command,
                                                           const std::atomic<bool>* cancel);

}  // namespace jade::cli
