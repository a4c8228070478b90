#include "bench/train/training_steps.h"

#include <fmt/format.h>

#include <utility>

#include "bench/engine/call_plan.h"
#include "bench/engine/replay.h"
#include "bench/train/step_work.h"

namespace jade::bench {
namespace {

// Calls a second of the engine alone, with the prompts, the lengths of replies and the order of the last roll-out.
Result<double> MeasureEngine(train::MeasuredStep& step, const std::atomic<bool>* cancel) {
  std::vector<RecordedRun> runs;
  for (const rollout::Answered& answered : step.runs()) {
    runs.push_back({answered.finished.run, answered.finished.calls});
  }
  CallPlan plan = PlanReplay(std::move(runs));
  plan.may_end = step.may_end_replies();
  JADE_ASSIGN_OR_RETURN(engine::Engine* const engine, step.LendEngine());
  JADE_ASSIGN_OR_RETURN(const CallOutcome outcome, RunCalls(*engine, plan, cancel));
  return static_cast<double>(plan.size()) / outcome.seconds;
}

}  // namespace

Result<std::vector<EngineRow>> MeasureTrainingSteps(train::MeasuredStep& step, const TrainingStepsOptions& options) {
  JADE_TRY(step.RollOut());
  std::vector<double> calls_per_s, rollout_s, alone_per_s, shares, update_s, step_s;
  train::StepFigures figures;
  for (int sample = 0; sample < options.samples; ++sample) {
    JADE_TRY(options.before_sample());
    JADE_ASSIGN_OR_RETURN(figures, options.updates ? step.Run() : step.RollOut());
    calls_per_s.push_back(static_cast<double>(figures.calls) / figures.rollout_seconds);
    rollout_s.push_back(figures.rollout_seconds);
    update_s.push_back(figures.update_seconds);
    step_s.push_back(figures.seconds);
    JADE_ASSIGN_OR_RETURN(const double alone, MeasureEngine(step, options.cancel));
    alone_per_s.push_back(alone);
    shares.push_back(calls_per_s.back() / alone);
  }
  if (!options.work.empty()) {
    JADE_TRY(WriteStepWork({.shape = step.config(), .dtype = options.dtype, .figures = figures, .calls = step.calls()},
                           options.work));
  }
  std::vector<EngineRow> rows;
  rows.push_back(MakeRow(options.prefix + ".rollout.calls_s", "calls/s", std::move(calls_per_s)));
  rows.back().note = fmt::format("{} questions, {} calls, {} prompt and {} reply tokens", figures.questions,
                                 figures.calls, figures.prompt_tokens, figures.response_tokens);
  rows.push_back(MakeRow(options.prefix + ".rollout.s", "s", std::move(rollout_s)));
  rows.push_back(MakeRow(options.prefix + ".rollout.engine_calls_s", "calls/s", std::move(alone_per_s)));
  rows.back().note = "the same calls, the engine alone";
  rows.push_back(MakeRow(options.prefix + ".rollout.engine_share", "of the engine", std::move(shares)));
  if (!options.updates) return rows;
  rows.push_back(MakeRow(options.prefix + ".step.update_s", "s", std::move(update_s)));
  rows.back().note = fmt::format("{} mini-batches", figures.mini_batches);
  rows.push_back(MakeRow(options.prefix + ".step.s", "s", std::move(step_s)));
  return rows;
}

}  // namespace jade::bench
