#include "runtime/train/step_runner.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "runtime/rollout/export.h"
#include "runtime/train/agreement.h"
#include "runtime/train/critic.h"
#include "runtime/train/torch_wall.h"

namespace jade::train {

Result<std::unique_ptr<StepRunner>> StepRunner::Create(const TrainConfig& config, const TrainParts& parts,
                                                       const std::vector<eval::Question>& questions,
                                                       const std::atomic<bool>* cancel) {
  JADE_ASSIGN_OR_RETURN(const TeamRoles roles, RolesOf(config, *parts.program));
  std::unique_ptr<StepRunner> runner(new StepRunner(config, questions, *parts.collective, cancel));
  JADE_ASSIGN_OR_RETURN(runner->models_, LoadTrainingModels(config, parts, !roles.others.empty()));
  TrainingModels& models = *runner->models_;
  runner->trainer_ = std::make_unique<PolicyTrainer>(
      config, TrainerParts{models.policy, models.start, models.lora ? &*models.lora : nullptr, models.vocabulary,
                           parts.collective});
  JADE_ASSIGN_OR_RETURN(
      runner->team_,
      Team::Create(config, {parts.program, parts.request, parts.tools, parts.training_tools, parts.rolled_out},
                   models.engine.get(), models.max_positions));
  return runner;
}

Result<rollout::Batch> StepRunner::RollOut(int64_t step) {
  return team_->RollOut(questions_, step, {collective_.rank(), collective_.size()}, cancel_);
}

Result<rollout::Batch> StepRunner::TakeBatch(int64_t step, bool another) {
  if (!config_.rollout.overlap) return RollOut(step);
  Result<rollout::Batch> batch = ahead_ ? std::move(*ahead_) : RollOut(step);
  ahead_.reset();
  JADE_TRY(batch);
  JADE_TRY(models_->Publish());
  served_.reset();
  if (another) {
    rolling_ = std::async(std::launch::async,
                          [this, step] { return BehindTheWall<rollout::Batch>([&] { return RollOut(step + 1); }); });
  }
  return batch;
}

Result<StepOutcome> StepRunner::Run(int64_t step, bool another) {
  auto taken = TakeBatch(step, another);
  JADE_TRY(Agree(collective_, taken.ok() ? Status{} : Status(taken.error()), "rolling out"));
  StepOutcome outcome{.batch = std::move(*taken), .report = {}};
  const auto begin = std::chrono::steady_clock::now();
  auto updated = Update(outcome.batch, step);
  outcome.update_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (rolling_.valid()) ahead_ = rolling_.get();
  JADE_ASSIGN_OR_RETURN(outcome.report, std::move(updated));
  if (!config_.rollout.overlap) JADE_TRY(models_->Publish());
  JADE_TRY(Export(outcome.batch, outcome.report.credit, step));
  return outcome;
}

Status StepRunner::Export(const rollout::Batch& batch, const BatchCredit& credit, int64_t step) const {
  if (config_.export_batches.empty()) return {};
  std::string name = fmt::format("step-{:06}", step + 1);
  if (collective_.size() > 1) name += fmt::format("-rank-{}", collective_.rank());
  rollout::ExportOptions options;
  options.step = step + 1;
  options.credit = {credit.counted, credit.advantages, credit.returns};
  return rollout::ExportBatch(batch, config_.export_batches + "/" + name, options);
}

Status StepRunner::ServeNewest() {
  if (!config_.rollout.overlap) return {};
  served_ = CopyOf(*models_->serving);
  return models_->Publish();
}

TrainState StepRunner::State() {
  TrainState state{nullptr, trainer_.get()};
  if (config_.rollout.overlap) state.serving = served_ != nullptr ? served_.get() : models_->serving.get();
  return state;
}

Status StepRunner::StateRestored() {
  return config_.rollout.overlap ? models_->engine->Refresh("", {}) : models_->Publish();
}

}  // namespace jade::train
