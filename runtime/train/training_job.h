#pragma once
// The job of processes that this one was started in, ready to train: what the command line needs, without LibTorch. One
// thread.

#include <memory>

#include "compiler/result/result.h"
#include "runtime/train/launch.h"
#include "runtime/train/train_config.h"

namespace jade::train {

class Collective;

struct TrainingJob {
  Launch launch;
  std::shared_ptr<Collective> collective;
  bool leads() const { return launch.rank == 0; }
};

// Waits for the other processes of the environment's job, if there are any. The threads of a process are then, where
// `backbone.threads` does not say otherwise, an equal part of its machine's.
Result<TrainingJob> JoinTrainingJob(TrainConfig* config);

}  // namespace jade::train
