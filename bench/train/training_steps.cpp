#include "bench/train/training_steps.h"

#include <fmt/format.h>

#include <utility>

#include "bench/engine/call_plan.h"
#include "bench/engine/replay.h"
#include "bench/train/step_work.h"

namespace jade::bench {
namespace {

// Calls a second of the engine alone, with the prompts, the lengths of replies and the order of the last roll-out.
Result<std::vector<double>> MeasureEngine(train::MeasuredStep& step, const TrainingStepsOptions& options) {
  std::vector<RecordedRun> runs;
  for (const rollout::Answered& answered : step.runs()) {
    runs.push_back({answered.finished.run, answered.finished.calls});
  }
  CallPlan plan = PlanReplay(std::move(runs));
  plan.may_end = step.may_end_replies();
  std::vector<double> calls_per_s;
  for (int sample = 0; sample < options.samples; ++sample) {
    JADE_TRY(options.before_sample());
    JADE_ASSIGN_OR_RETURN(engine::Engine* const engine, step.TakeEngine());
    JADE_ASSIGN_OR_RETURN(const CallOutcome outcome, RunCalls(*engine, plan, options.cancel));
    calls_per_s.push_back(static_cast<double>(plan.size()) / outcome.seconds);
  }
  return calls_per_s;
}

}  // namespace

Result<std::vector<EngineRow>> MeasureTrainingSteps(train::MeasuredStep& step, const TrainingStepsOptions& options) {
  JADE_TRY(step.RollOut());
  std::vector<double> calls_per_s, rollout_s, update_s, step_s;
  train::StepFigures figures;
  for (int sample = 0; sample < options.samples; ++sample) {
    JADE_TRY(options.before_sample());
    JADE_ASSIGN_OR_RETURN(figures, options.updates ? step.Run() : step.RollOut());
    calls_per_s.push_back(static_cast<double>(figures.calls) / figures.rollout_seconds);
    rollout_s.push_back(figures.rollout_seconds);
    update_s.push_back(figures.update_seconds);
    step_s.push_back(figures.seconds);
  }
  if (!options.work.empty()) {
    JADE_TRY(WriteStepWork({.shape = step.config(), .dtype = options.dtype, .figures = figures, .calls = step.calls()},
                           options.work));
  }
  std::vector<EngineRow> rows;
  rows.push_back(MakeRow(options.prefix + ".rollout.calls_s", "calls/s", std::move(calls_per_s)));
  rows.back().note = fmt::format("{} questions, {} calls, {} prompt and {} reply tokens", figures.questions,
                                 figures.calls, figures.prompt_tokens, figures.response_tokens);
  const double rolled_out = rows.back().value;
  rows.push_back(MakeRow(options.prefix + ".rollout.s", "s", std::move(rollout_s)));
  JADE_ASSIGN_OR_RETURN(std::vector<double> engine, MeasureEngine(step, options));
  rows.push_back(MakeRow(options.prefix + ".rollout.engine_calls_s", "calls/s", std::move(engine)));
  rows.back().note = "the same calls, the engine alone";
  const double alone = rows.back().value;
  rows.push_back(MakeRow(options.prefix + ".rollout.engine_share", "of the engine", {rolled_out / alone}));
  if (!options.updates) return rows;
  rows.push_back(MakeRow(options.prefix + ".step.update_s", "s", std::move(update_s)));
  rows.back().note = fmt::format("{} mini-batches", figures.mini_batches);
  rows.push_back(MakeRow(options.prefix + ".step.s", "s", std::move(step_s)));
  return rows;
}

}  // namespace jade::bench
