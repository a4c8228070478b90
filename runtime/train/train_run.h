#pragma once
// Joint training from configuration to weights: what `jade train` does. A run lives in a folder:
//   checkpoint.safetensors   everything needed to go on; replaced as configured and when interrupted
//   run.json, metrics.jsonl, plans.jsonl, samples.jsonl, alarms.jsonl, tensorboard/   docs/training-report.md
//   best/, last/             the best model on dev and the last, fp32, as Hugging Face folders
//   dev.jsonl, test.jsonl    the last evaluation of each, a row a question, as `jade eval --rows` writes them
//   result.json              what the run came to
// and, where `train.export_batches` names another, each step's batch there (docs/export.md).
// An interrupted run that is resumed has the figures it would have had: bitwise on one machine with the same number of
// threads. One thread calls; the engine's and LibTorch's threads compute.

#include <atomic>
#include <cstdint>
#include <string>

#include "compiler/result/result.h"
#include "runtime/progress/progress.h"
#include "runtime/train/train_config.h"
#include "runtime/train/train_parts.h"

namespace jade::train {

struct TrainOptions {
  bool resume = false;
  const std::atomic<bool>* cancel = nullptr;  // checked between calls; set: checkpoint of the last whole step, return
  int64_t stop_after_steps = 0;               // of this call, as if interrupted; 0: no
};

struct TrainSummary {
  int64_t steps = 0;
  bool interrupted = false;
  bool stopped_early = false;                     // patience ran out
  double first_f1 = 0, best_f1 = 0, last_f1 = 0;  // on dev; of the chosen measure's checkpoint
  int64_t best_step = -1;
  bool has_dev = false;
  bool has_test = false;
  double test_f1 = 0, test_em = 0;
  double seconds = 0;
  std::string output;  // of the best model, or the last without dev; empty when interrupted
};

// Fails on a folder that holds a run unless `resume`; on bad data, with file and line; and when a loss, a gradient or
// the policy's divergence is out of bounds, naming step, role and transitions.
Result<TrainSummary> RunTraining(const TrainConfig& config, TrainParts parts, progress::Sink& progress,
                                 const TrainOptions& options = {});

}  // namespace jade::train
