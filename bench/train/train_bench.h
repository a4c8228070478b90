#pragma once
// What `jade bench train` measures: parts of training by model shape, beside the machine's peak of bf16 products in the
// same process. docs/cli.md says what each figure is. A further part is a further measurement in train_bench.cpp that
// adds its rows. One thread; LibTorch has its own.

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/engine/row.h"
#include "compiler/result/result.h"
#include "runtime/progress/progress.h"
#include "runtime/train/measured_step.h"
#include "runtime/train/measured_update.h"

namespace jade::bench {

// A model's shape with the batch of an update; names of its rows begin with `prefix`.
struct TrainShape {
  std::string prefix;
  train::MeasuredUpdateOptions update;
};

// What the measurements run; tests put something else in its place.
struct TrainParts {
  std::function<Result<std::unique_ptr<train::MeasuredUpdate>>(const train::MeasuredUpdateOptions&)> make_update;
  // A step of joint training for the shape of this prefix. Empty: steps are not measured.
  std::function<Result<std::unique_ptr<train::MeasuredStep>>(const std::string& prefix)> make_step;
  // The most operations a second at which this machine multiplies in bf16, measured now.
  std::function<double()> peak_flops_per_s;
};

struct TrainBenchOptions {
  std::vector<TrainShape> shapes;             // of different prefixes
  int repetitions = 5;                        // of updates
  int steps = 1;                              // samples of a whole step; 0: none
  std::string work;                           // a folder for the steps as work for others (step_work.h); empty: not
  std::string only;                           // measure only rows whose names begin so; empty: all
  progress::Sink* progress = nullptr;         // may be null
  const std::atomic<bool>* cancel = nullptr;  // ends it as kCancelled when it becomes true; may be null
};

// PREFIX.update.tok_s and PREFIX.update.gemm_share of each shape, the rows of its steps (training_steps.h) and
// PREFIX.peak_rss.mb, in their order, then machine.gemm_bf16.gflops where updates were measured. The memory of a shape
// is the most that the process has held until it was measured, so that only the first is by itself.
Result<std::vector<EngineRow>> BenchTrain(const TrainParts& parts, const TrainBenchOptions& options);

}  // namespace jade::bench
