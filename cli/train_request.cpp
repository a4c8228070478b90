#include "cli/train_request.h"

#include "cli/workbench.h"

namespace jade::cli {

Result<session::RunRequest> TrainRequest(const train::TrainConfig& config, const session::ProgramPtr& program) {
  JADE_ASSIGN_OR_RETURN(const auto reward, program->FindReward(config.settings.reward));
  session::RunRequest request;
  request.program = program;
  request.reward = reward.name;
  ApplySettings(config.settings, /*greedy=*/false, &request);
  return request;
}

}  // namespace jade::cli
