#pragma once
// A step of joint training as something to be measured (bench/train): the very roll-out and update of `jade train`, on
// the weights of a model or on random ones, with nothing kept. No LibTorch here. One thread calls; the engine and
// LibTorch have theirs.

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/rollout/questions_run.h"
#include "runtime/train/train_config.h"
#include "runtime/train/train_parts.h"
#include "runtime/weights/model_config.h"

namespace jade::train {

struct StepFigures {
  int64_t questions = 0;
  int64_t calls = 0;  // of the model that became transitions
  int64_t prompt_tokens = 0, response_tokens = 0;
  int64_t mini_batches = 0;  // of the update
  double rollout_seconds = 0;
  double update_seconds = 0;  // 0 where there was none
  double seconds = 0;         // the whole step: roll-out, update, serving the new weights
};

// A call of the model, as the roll-out made it. Times are microseconds since its run began.
struct StepCall {
  uint64_t run = 0;
  std::vector<int32_t> prompt;
  int64_t reply_tokens = 0;
  bool trained = true;  // it was short enough
  int64_t issued_us = 0, finished_us = 0;
};

class MeasuredStep {
 public:
  virtual ~MeasuredStep() = default;
  virtual const weights::ModelConfig& config() const = 0;
  // The questions of the first step, rolled out; with Run also an update from them. Replies are drawn from the same
  // random streams each time, by weights that each update moves a little.
  virtual Result<StepFigures> RollOut() = 0;
  virtual Result<StepFigures> Run() = 0;

  // Of the last roll-out.
  virtual const std::vector<rollout::Answered>& runs() const = 0;
  virtual std::vector<StepCall> calls() const = 0;
  virtual bool may_end_replies() const = 0;  // random weights do not know the end tokens
  // The engine that answered, without what it had cached. Who connects it to
  // something else connects it back before the next step.
  virtual Result<engine::Engine*> LendEngine() = 0;
};

struct MeasuredStepOptions {
  TrainConfig config;
  TrainParts parts;
  int64_t most_reply_tokens = 0;              // of every role, whatever it says itself; 0: as it says
  const std::atomic<bool>* cancel = nullptr;  // may be null
};

// What reading the questions and loading the model fails with.
Result<std::unique_ptr<MeasuredStep>> MakeMeasuredStep(MeasuredStepOptions options);

}  // namespace jade::train
