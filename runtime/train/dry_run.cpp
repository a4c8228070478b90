#include "runtime/train/dry_run.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "runtime/backbone/backbone.h"
#include "runtime/train/collective.h"
#include "runtime/train/run_identity.h"
#include "runtime/train/step_runner.h"
#include "runtime/train/torch_wall.h"
#include "runtime/train/train_inputs.h"

namespace jade::train {
namespace {

constexpr int64_t kPilotQuestions = 16;

// The most memory this process has held.
int64_t PeakBytes() {
  rusage usage{};
  return getrusage(RUSAGE_SELF, &usage) == 0 ? int64_t{usage.ru_maxrss} * 1024 : 0;
}

Result<DryRun> Try(const TrainConfig& config, TrainParts parts, const std::atomic<bool>* cancel) {
  backbone::TuneAllocator();
  SingleProcess single;
  if (parts.collective == nullptr) parts.collective = &single;
  JADE_ASSIGN_OR_RETURN(const QuestionSets sets, LoadQuestionSets(config));
  TrainConfig pilot = config;
  pilot.export_batches.clear();
  pilot.rollout.questions =
      std::min<int64_t>({config.rollout.questions, kPilotQuestions, static_cast<int64_t>(sets.train.size())});
  JADE_ASSIGN_OR_RETURN(const auto runner, StepRunner::Create(pilot, parts, sets.train, cancel));
  JADE_ASSIGN_OR_RETURN(const rollout::Batch batch, runner->RollOut(0));
  const auto begin = std::chrono::steady_clock::now();
  JADE_TRY(runner->Update(batch, config.critic_warm_up));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const double scale = static_cast<double>(config.rollout.questions) / static_cast<double>(pilot.rollout.questions);
  DryRun found;
  found.steps = StepsOf(config, sets.train.size());
  found.parameters = runner->models().policy->parameter_count();
  found.pilot_questions = pilot.rollout.questions;
  found.calls = scale * static_cast<double>(batch.transitions.size());
  found.prompt_tokens = scale * static_cast<double>(batch.observation_tokens());
  found.response_tokens = scale * static_cast<double>(batch.action_tokens());
  found.rollout_seconds = scale * batch.seconds;
  found.update_seconds = scale * seconds;
  found.total_seconds = static_cast<double>(found.steps) * (found.rollout_seconds + found.update_seconds);
  found.peak_bytes = PeakBytes();
  return found;
}

}  // namespace

Result<DryRun> TryTraining(const TrainConfig& config, TrainParts parts, const std::atomic<bool>* cancel) {
  return BehindTheWall<DryRun>([&] { return Try(config, std::move(parts), cancel); });
}

}  // namespace jade::train
