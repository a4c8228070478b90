#pragma once
// A measured step as work for another trainer: prompts, lengths of replies, and which calls a plain loop can make
// together. scripts/bench_transformers_step.py does the same step again from it. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/train/measured_step.h"
#include "runtime/weights/model_config.h"

namespace jade::bench {

struct StepWork {
  weights::ModelConfig shape;
  std::string dtype;  // of the update's products
  train::StepFigures figures;
  std::vector<train::StepCall> calls;
};

// By call: 0 where no call of its run had ended when it was made, else one more than the highest of those that had.
// What a loop that makes the calls of a level together must make one after the other.
std::vector<int64_t> LevelsOf(const std::vector<train::StepCall>& calls);

// docs/benchmarks.md has the format.
Status WriteStepWork(const StepWork& work, const std::string& path);

}  // namespace jade::bench
