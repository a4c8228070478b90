#pragma once
// What `jade train` and `jade bench train` make ready alike. In jade-backbone only.

#include "compiler/result/result.h"
#include "runtime/session/session.h"
#include "runtime/train/train_config.h"

namespace jade::cli {

// A run of the workflow as the configuration says, with its reward. Fails when the program has not the one reward that
// is asked for.
Result<session::RunRequest> TrainRequest(const train::TrainConfig& config, const session::ProgramPtr& program);

}  // namespace jade::cli
