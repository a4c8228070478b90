// jade bench train, in jade-backbone.

#include <fmt/format.h>

#include <algorithm>

#include "bench/train/train_bench.h"
#include "cli/backbone.h"
#include "cli/bench_rows.h"
#include "cli/bench_step.h"
#include "cli/command.h"
#include "cli/terminal.h"
#include "runtime/assets/assets.h"
#include "runtime/backbone/measured_model.h"
#include "runtime/train/measured_update.h"

namespace jade::cli {
namespace {

double PeakFlopsPerSecond() {
  double most = 0;
  for (const backbone::ProductRate& rate : backbone::CpuProductRates("bf16")) most = std::max(most, rate.flops_per_s);
  return most;
}

Result<std::vector<bench::EngineRow>> Measure(const TrainBenchCommand& command, const std::atomic<bool>* cancel) {
  JADE_ASSIGN_OR_RETURN(const std::string nano, assets::FindShipped("models/nano/config.json"));
  JADE_ASSIGN_OR_RETURN(const weights::ModelConfig nano_shape, weights::LoadModelConfig(nano));
  bench::TrainBenchOptions options;
  options.shapes = {{"train", {.shape = nano_shape, .sequences = 32, .tokens = 128}},
                    {"train.smollm2", {.shape = backbone::SmolLm2Shape(), .sequences = 8, .tokens = 256}}};
  for (bench::TrainShape& shape : options.shapes) {
    shape.update.dtype = command.dtype;
    shape.update.threads = command.threads;
    shape.update.recompute_layers = command.recompute_layers;
  }
  ProgressBar bar;
  options.repetitions = command.repetitions;
  options.steps = command.steps;
  options.work = command.work;
  options.only = command.only;
  options.progress = &bar;
  options.cancel = cancel;
  return bench::BenchTrain(
      {.make_update = train::MakeMeasuredUpdate,
       .make_step = [&](const std::string& prefix) { return MakeBenchStep(prefix, command, cancel); },
       .peak_flops_per_s = PeakFlopsPerSecond},
      options);
}

}  // namespace

int RunTrainBenchCommand(const TrainBenchCommand& command, const std::atomic<bool>* cancel) {
  const auto rows = Measure(command, cancel);
  if (!rows.ok()) return Fail(rows.error());
  PrintRows(*rows,
            fmt::format("jade bench train: updates of random weights, steps of nano-start and of {} ({}{})",
                        command.model.empty() ? "random weights" : command.model, command.dtype,
                        command.recompute_layers ? ", layers recomputed" : ""),
            command.json);
  return kFine;
}

}  // namespace jade::cli
