#pragma once
// What a training run tells while it goes on: the files of docs/training-report.md, its alarms, and a line for whoever
// watches. Of several processes rank 0 has one. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/metrics/history.h"
#include "runtime/metrics/metrics_writer.h"
#include "runtime/progress/progress.h"
#include "runtime/train/shared_evaluation.h"
#include "runtime/train/train_config.h"

namespace jade::train {

class RunJournal {
 public:
  // In `config.run`. `resumed_at`: the step of the checkpoint that the run goes on from, whose later lines are dropped;
  // −1: a new run. Configuration and progress outlive the journal.
  static Result<RunJournal> Open(const TrainConfig& config, int64_t resumed_at, progress::Sink& progress);

  // `seconds` since the start of the run. Raises the step's alarms.
  Status AddStep(int64_t step, double seconds, metrics::Scalars scalars, metrics::Plans plans);
  // The same of an evaluation on dev.
  Status AddEvaluation(int64_t step, double seconds, const SharedEvaluation& found);

 private:
  RunJournal(const TrainConfig& config, metrics::MetricsWriter writer, progress::Sink& progress)
      : config_(&config), writer_(std::move(writer)), progress_(&progress) {}
  Status WriteDescription();
  Status RaiseAlarms(const std::vector<metrics::StepRecord>& history);

  const TrainConfig* config_;
  metrics::MetricsWriter writer_;
  progress::Sink* progress_;
  metrics::History history_;
};

}  // namespace jade::train
