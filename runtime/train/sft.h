#pragma once
// Supervised training of a backbone on role demonstrations: what `jade sft` does. A run lives in a folder:
//   checkpoint.safetensors   everything needed to go on; replaced every few minutes and when interrupted
//   metrics.jsonl            one object a step {step, tokens, stage, loss, lr, grad_norm, tokens_per_second}, and one
//                            an evaluation {step, tokens, dev: {loss, match, by_role}}
//   best/                    the model with the best score on dev, fp32, as a Hugging Face folder
// An interrupted run that is resumed has the losses it would have had: bitwise on one machine in fp32 with the same
// number of threads. One thread calls; LibTorch's threads compute.

#include <atomic>
#include <map>
#include <string>

#include "compiler/result/result.h"
#include "runtime/progress/progress.h"
#include "runtime/train/sft_config.h"

namespace jade::train {

struct SftOptions {
  bool resume = false;                        // go on from the checkpoint when there is one
  const std::atomic<bool>* cancel = nullptr;  // checked once a step; set: checkpoint and return
  int64_t stop_after_steps = 0;               // of this call, as if interrupted; 0: no
};

struct SftSummary {
  int64_t steps = 0;
  int64_t tokens = 0;
  double loss = 0;  // of the last step
  bool interrupted = false;
  bool has_dev = false;
  double dev_loss = 0;  // at the last evaluation
  double dev_match = 0;
  std::map<std::string, double> dev_match_by_role;
  double best = 0;
  int64_t parameters = 0;
  double seconds = 0;
  std::string output;  // empty when interrupted
};

// Fails on a folder that holds a checkpoint unless `resume`; on bad data, with file and line; and when the loss or the
// gradient is not finite, with the step and the demonstrations it stood on, leaving the last checkpoint as it was.
Result<SftSummary> RunSft(const SftConfig& config, progress::Sink& progress, const SftOptions& options = {});

}  // namespace jade::train
