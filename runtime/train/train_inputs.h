#pragma once
// What a training run is given, read and checked before anything large is loaded. One thread.

#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/eval/questions.h"
#include "runtime/session/session.h"
#include "runtime/train/train_config.h"

namespace jade::train {

// The checkpoint of the run in this folder.
std::string CheckpointIn(const std::string& run);

// kInvalidArgument when the run's folder holds a run already that is not to be resumed.
Status CheckFolder(const TrainConfig& config, bool resume);

struct QuestionSets {
  std::vector<eval::Question> train, dev, test;
};
// Fails with file and line. `dev` is cut to `dev_limit`, evenly.
Result<QuestionSets> LoadQuestionSets(const TrainConfig& config);

// What can be said of a run before its tools are opened and its weights loaded: roles, questions, its folder. Writes
// nothing.
Status CheckTraining(const TrainConfig& config, const session::Program& program, bool resume);

}  // namespace jade::train
