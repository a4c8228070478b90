// What `jade train` does once LibTorch is there.

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/backbone.h"
#include "cli/load.h"
#include "cli/model_file.h"
#include "cli/terminal.h"
#include "cli/train_request.h"
#include "cli/workbench.h"
#include "runtime/assets/assets.h"
#include "runtime/train/dry_run.h"
#include "runtime/train/train_inputs.h"
#include "runtime/train/train_run.h"
#include "runtime/train/training_job.h"

namespace jade::cli {
namespace {

void ShowDryRun(const train::DryRun& found, bool json) {
  if (json) {
    const nlohmann::ordered_json out{{"steps", found.steps},
                                     {"parameters", found.parameters},
                                     {"pilot_questions", found.pilot_questions},
                                     {"calls", found.calls},
                                     {"prompt_tokens", found.prompt_tokens},
                                     {"response_tokens", found.response_tokens},
                                     {"rollout_seconds", found.rollout_seconds},
                                     {"update_seconds", found.update_seconds},
                                     {"total_seconds", found.total_seconds},
                                     {"peak_bytes", found.peak_bytes}};
    fmt::print("{}\n", out.dump());
    return;
  }
  fmt::print("{} parameters, {} steps\n", HumanCount(static_cast<uint64_t>(found.parameters)), found.steps);
  fmt::print("a step, from {} questions that were tried: {:.0f} calls, {} prompt and {} response tokens\n",
             found.pilot_questions, found.calls, HumanCount(static_cast<uint64_t>(found.prompt_tokens)),
             HumanCount(static_cast<uint64_t>(found.response_tokens)));
  fmt::print("  roll-out {}, update {}; all steps {}, and the evaluations\n", HumanDuration(found.rollout_seconds),
             HumanDuration(found.update_seconds), HumanDuration(found.total_seconds));
  fmt::print("memory: {} at the most so far\n", HumanBytes(static_cast<double>(found.peak_bytes)));
}

nlohmann::ordered_json SummaryJson(const train::TrainSummary& summary) {
  nlohmann::ordered_json json{{"output", summary.output},
                              {"interrupted", summary.interrupted},
                              {"steps", summary.steps},
                              {"seconds", summary.seconds}};
  if (summary.has_dev) {
    json["dev"] = {{"first_f1", summary.first_f1},
                   {"best_f1", summary.best_f1},
                   {"best_step", summary.best_step},
                   {"last_f1", summary.last_f1},
                   {"stopped_early", summary.stopped_early}};
  }
  if (summary.has_test) json["test"] = {{"f1", summary.test_f1}, {"em", summary.test_em}};
  return json;
}

void ShowSummary(const train::TrainSummary& summary, const TrainCommand& command) {
  if (command.json) {
    fmt::print("{}\n", SummaryJson(summary).dump());
    return;
  }
  if (summary.interrupted) {
    fmt::print(stderr, "interrupted after step {}: `jade train {} --resume` goes on from there\n", summary.steps,
               command.config);
    return;
  }
  fmt::print("{}: {} steps in {}{}\n", summary.output, summary.steps, HumanDuration(summary.seconds),
             summary.stopped_early ? ", stopped early" : "");
  if (summary.has_dev) {
    fmt::print("dev F1 {:.4f} at first, {:.4f} at best (step {}), {:.4f} at last\n", summary.first_f1, summary.best_f1,
               summary.best_step, summary.last_f1);
  }
  if (summary.has_test) fmt::print("test F1 {:.4f}, EM {:.4f}\n", summary.test_f1, summary.test_em);
}

}  // namespace

int RunTrainCommand(const TrainCommand& command, const Invocation& invocation) {
  auto config = train::LoadTrainConfig(command.config);
  if (!config.ok()) return Fail(config.error());
  int status = kFine;
  train::TrainParts parts;
  parts.program = LoadProgram(config->file, PromptsFor(config->settings.backbone), &status);
  if (parts.program == nullptr) return status;
  if (const auto workflow = parts.program->FindWorkflow(config->workflow); !workflow.ok()) {
    return Fail(workflow.error());
  }
  if (const Status sound = train::CheckTraining(*config, *parts.program, command.resume || command.dry_run);
      !sound.ok()) {
    return Fail(sound.error());
  }
  auto request = TrainRequest(*config, parts.program);
  if (!request.ok()) return Fail(request.error());
  parts.request = std::move(*request);
  const auto model = assets::FindModel(config->settings.backbone.model);
  if (!model.ok()) return Fail(model.error());
  parts.model = ModelFile(*model);
  const auto code = MakeCode(command.tier);
  if (!code.ok()) return Fail(code.error());
  parts.request.code = code->get();

  const auto job = train::JoinTrainingJob(&*config);
  if (!job.ok()) return Fail(job.error());
  if (command.dry_run && job->launch.size > 1) {
    return Fail(Error(ErrorCode::kInvalidArgument, "`--dry-run` is for one process: start it without a launcher"));
  }
  parts.collective = job->collective.get();
  const bool leads = job->leads();
  ProgressBar bar;
  progress::SilentSink silent;
  progress::Sink& shown = leads ? static_cast<progress::Sink&>(bar) : silent;
  Workbench bench;
  const WorkbenchRequest wanted{config->settings, *parts.program, /*record=*/false, /*engine=*/false};
  if (Status made = CompleteWorkbench(wanted, shown, *invocation.cancel, &bench); !made.ok()) return Fail(made.error());
  parts.tools = bench.Tools();
  Workbench training_bench;
  if (!config->corpus.empty()) {
    settings::Settings searched = config->settings;
    searched.retriever.SearchHere(config->corpus);
    const WorkbenchRequest training{searched, *parts.program, /*record=*/false, /*engine=*/false};
    if (Status made = CompleteWorkbench(training, shown, *invocation.cancel, &training_bench); !made.ok()) {
      return Fail(std::move(made).error().Wrap("opening `train.data.corpus`"));
    }
    parts.training_tools = training_bench.Tools();
  }
  if (command.dry_run) {
    const auto found = train::TryTraining(*config, std::move(parts), invocation.cancel);
    if (!found.ok()) return Fail(found.error());
    ShowDryRun(*found, command.json);
    return kFine;
  }
  train::TrainOptions options;
  options.resume = command.resume;
  options.cancel = invocation.cancel;
  options.stop_after_steps = command.stop_after;
  const auto summary = train::RunTraining(*config, std::move(parts), shown, options);
  if (!summary.ok()) return Fail(summary.error());
  if (leads) ShowSummary(*summary, command);
  return summary->interrupted ? kInterrupted : kFine;
}

}  // namespace jade::cli
