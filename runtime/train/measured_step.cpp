#include "runtime/train/measured_step.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "runtime/backbone/backbone.h"
#include "runtime/train/collective.h"
#include "runtime/train/step_runner.h"
#include "runtime/train/torch_wall.h"
#include "runtime/train/train_inputs.h"

namespace jade::train {
namespace {

using Clock = std::chrono::steady_clock;

// The settings of the request with no reply longer than `most`.
Result<std::shared_ptr<const session::RoleSettings>> Bounded(const TrainConfig& config, const TrainParts& parts,
                                                             int64_t most) {
  if (most <= 0) return parts.request.settings;
  JADE_ASSIGN_OR_RETURN(const TeamRoles roles, RolesOf(config, *parts.program));
  auto bounded = std::make_shared<session::RoleSettings>();
  if (parts.request.settings != nullptr) *bounded = *parts.request.settings;
  const ir::Module& module = *parts.program->module();
  for (const auto* names : {&roles.trained, &roles.others}) {
    for (const std::string& name : *names) {
      std::optional<int64_t>& tokens = bounded->roles[name].max_tokens;
      if (!tokens) tokens = module.callee(module.FindCallee(name)).sampling.max_tokens;
      tokens = std::min(tokens.value_or(most), most);
    }
  }
  return std::shared_ptr<const session::RoleSettings>(std::move(bounded));
}

class TeamStep final : public MeasuredStep {
 public:
  explicit TeamStep(MeasuredStepOptions options) : config_(std::move(options.config)), options_(std::move(options)) {
    config_.critic_warm_up = 0;
    config_.rollout.overlap = false;
    config_.export_batches.clear();
    if (options_.parts.collective == nullptr) options_.parts.collective = &single_;
  }

  Status Prepare() {
    backbone::TuneAllocator();
    JADE_ASSIGN_OR_RETURN(sets_, LoadQuestionSets(config_));
    TrainParts& parts = options_.parts;
    JADE_ASSIGN_OR_RETURN(parts.request.settings, Bounded(config_, parts, options_.most_reply_tokens));
    parts.rolled_out = [this](std::vector<rollout::Answered> runs) { runs_ = std::move(runs); };
    JADE_ASSIGN_OR_RETURN(runner_, StepRunner::Create(config_, parts, sets_.train, options_.cancel));
    return {};
  }

  const weights::ModelConfig& config() const override { return runner_->models().policy->config(); }
  const std::vector<rollout::Answered>& runs() const override { return runs_; }
  bool may_end_replies() const override { return !options_.parts.random; }

  Result<StepFigures> RollOut() override {
    return BehindTheWall<StepFigures>([&]() -> Result<StepFigures> {
      JADE_TRY(ForgetPrompts());
      JADE_ASSIGN_OR_RETURN(const rollout::Batch batch, runner_->RollOut(0));
      StepFigures figures = FiguresOf(batch);
      figures.seconds = figures.rollout_seconds;
      return figures;
    });
  }

  Result<StepFigures> Run() override {
    return BehindTheWall<StepFigures>([&]() -> Result<StepFigures> {
      JADE_TRY(ForgetPrompts());
      const Clock::time_point begin = Clock::now();
      JADE_ASSIGN_OR_RETURN(const StepOutcome done, runner_->Run(0, /*another=*/false));
      StepFigures figures = FiguresOf(done.batch);
      figures.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
      figures.update_seconds = done.update_seconds;
      figures.mini_batches = done.report.mini_batches;
      return figures;
    });
  }

  std::vector<StepCall> calls() const override {
    std::vector<StepCall> calls;
    for (size_t run = 0; run < runs_.size(); ++run) {
      for (const trace::CallRecord& call : runs_[run].finished.calls) {
        if (call.kind == trace::CallKind::kTool || call.status != trace::CallStatus::kDone) continue;
        const auto prompt = std::ssize(call.observation_ids), reply = std::ssize(call.action_ids);
        if (reply == 0) continue;
        calls.push_back({.run = run,
                         .prompt = call.observation_ids,
                         .reply_tokens = reply,
                         .trained = prompt <= config_.rollout.max_prompt && reply <= config_.rollout.max_response,
                         .issued_us = call.timings.issued_us,
                         .finished_us = call.timings.finished_us});
      }
    }
    return calls;
  }

  Result<engine::Engine*> LendEngine() override {
    JADE_TRY(ForgetPrompts());
    return static_cast<engine::Engine*>(runner_->models().engine.get());
  }

 private:
  // A roll-out without an update before it would find its prompts in the cache.
  Status ForgetPrompts() { return runner_->models().Publish(); }

  static StepFigures FiguresOf(const rollout::Batch& batch) {
    StepFigures figures;
    figures.questions = std::ssize(batch.questions);
    figures.calls = std::ssize(batch.transitions);
    figures.prompt_tokens = batch.observation_tokens();
    figures.response_tokens = batch.action_tokens();
    figures.rollout_seconds = batch.seconds;
    return figures;
  }

  TrainConfig config_;
  MeasuredStepOptions options_;
  SingleProcess single_;
  QuestionSets sets_;
  std::vector<rollout::Answered> runs_;
  std::unique_ptr<StepRunner> runner_;
};

}  // namespace

Result<std::unique_ptr<MeasuredStep>> MakeMeasuredStep(MeasuredStepOptions options) {
  return BehindTheWall<std::unique_ptr<MeasuredStep>>([&]() -> Result<std::unique_ptr<MeasuredStep>> {
    auto step = std::make_unique<TeamStep>(std::move(options));
    JADE_TRY(step->Prepare());
    return std::unique_ptr<MeasuredStep>(std::move(step));
  });
}

}  // namespace jade::train
