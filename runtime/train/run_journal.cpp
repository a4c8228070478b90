#include "runtime/train/run_journal.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>
#include <utility>

#include "runtime/backbone/backbone.h"
#include "runtime/files/atomic_file.h"
#include "runtime/metrics/alarms.h"

namespace jade::train {
namespace {

std::string UtcNow() {
  const std::time_t now = std::time(nullptr);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now));
}

}  // namespace

Result<RunJournal> RunJournal::Open(const TrainConfig& config, int64_t resumed_at, progress::Sink& progress) {
  metrics::WriterOptions options;
  options.folder = config.run;
  options.last_step = resumed_at;
  JADE_ASSIGN_OR_RETURN(metrics::MetricsWriter writer, metrics::MetricsWriter::Open(options));
  RunJournal journal(config, std::move(writer), progress);
  if (resumed_at < 0) {
    JADE_TRY(journal.WriteDescription());
  } else {
    JADE_ASSIGN_OR_RETURN(journal.history_, metrics::ReadHistory(config.run, resumed_at));
  }
  return journal;
}

Status RunJournal::WriteDescription() {
  metrics::RunDescription run;
  run.name = std::filesystem::path(config_->run).filename().string();
  run.started = UtcNow();
  for (const auto& [key, value] : config_->given) run.config[key] = value;
  run.arm = config_->arm;
  run.seed = config_->seed;
  run.model = config_->settings.backbone.model;
  run.workflow = config_->file;
  run.data = config_->data;
  const backbone::BackboneFacts facts = backbone::GetBackboneFacts();
  run.machine = {{"threads", int64_t{facts.threads}}, {"kernels", facts.kernels}, {"libtorch", facts.libtorch}};
  return writer_.WriteRun(run);
}

Status RunJournal::AddStep(int64_t step, double seconds, metrics::Scalars scalars, metrics::Plans plans) {
  JADE_TRY(writer_.Add(step, seconds, scalars));
  JADE_TRY(writer_.AddPlans(step, "train", plans));
  history_.steps.push_back({step, std::move(scalars), std::move(plans)});
  return RaiseAlarms(history_.steps);
}

Status RunJournal::AddEvaluation(int64_t step, double seconds, const SharedEvaluation& found) {
  const metrics::Scalars& scalars = found.scalars;
  JADE_TRY(writer_.Add(step, seconds, scalars));
  JADE_TRY(writer_.AddPlans(step, "dev", found.plans));
  for (const metrics::Sample& sample : found.samples) JADE_TRY(writer_.AddSample(step, sample));
  JADE_TRY(files::WriteFileAtomically(config_->run + "/dev.jsonl", found.rows));
  progress_->Message(fmt::format("step {}: dev F1 {:.4f}, EM {:.4f}, reward {:.4f}, turns {:.2f}, retrievals {:.2f}",
                                 step, scalars.at("dev/f1"), scalars.at("dev/em"), scalars.at("dev/reward"),
                                 scalars.at("dev/turns"), scalars.at("dev/retrievals")));
  history_.evaluations.push_back({step, scalars, {}});
  return RaiseAlarms(history_.evaluations);
}

Status RunJournal::RaiseAlarms(const std::vector<metrics::StepRecord>& history) {
  metrics::AlarmLimits limits;
  limits.dev_figure = "dev/" + config_->dev.choose;
  for (const metrics::Alarm& alarm : metrics::NewAlarms(history, limits)) {
    progress_->Message(fmt::format("step {}: {}", alarm.step, alarm.text));
    JADE_TRY(writer_.AddAlarm(alarm));
  }
  return {};
}

}  // namespace jade::train
