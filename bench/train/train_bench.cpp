#include "bench/train/train_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bench/engine/machine.h"
#include "bench/train/training_steps.h"

namespace jade::bench {
namespace {

// Matrix products with a weight: one multiplication and addition a token forward, two backward.
constexpr double kOperationsPerParameter = 6;
constexpr const char* kShareUnit = "of peak";

class TrainMeter {
 public:
  TrainMeter(const TrainParts& parts, const TrainBenchOptions& options) : parts_(parts), options_(options) {}

  Result<std::vector<EngineRow>> Measure() {
    const size_t samples = CountSamples();
    if (samples == 0) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("no row's name begins with `{}`", options_.only));
    }
    if (options_.progress != nullptr) {
      options_.progress->Begin({.name = "measuring", .unit = "samples", .total = samples});
    }
    Status measured;
    for (const TrainShape& shape : options_.shapes) {
      measured = MeasureShape(shape);
      if (!measured.ok()) break;
    }
    if (options_.progress != nullptr) options_.progress->End();
    JADE_TRY(measured);
    if (!peaks_.empty()) AddPeak();
    std::erase_if(rows_, [&](const EngineRow& row) { return !row.name.starts_with("machine.") && !Wants(row.name); });
    return std::move(rows_);
  }

 private:
  // A row asked for by a longer name needs the measurement of a shorter one, and the other way round.
  bool Wants(const std::string& name) const {
    return name.starts_with(options_.only) || (options_.only.starts_with(name) && options_.only.size() > name.size());
  }
  bool WantsUpdates(const std::string& prefix) const {
    return Wants(prefix + ".update") || Wants(prefix + ".peak_rss");
  }
  bool WantsRollouts(const std::string& prefix) const {
    return parts_.make_step && options_.steps > 0 && (Wants(prefix + ".rollout") || Wants(prefix + ".step"));
  }
  double Peak() const { return *std::max_element(peaks_.begin(), peaks_.end()); }

  // Rates of updates become shares of the peak that all shapes saw together.
  void AddPeak() {
    rows_.push_back(MakeRow("machine.gemm_bf16.gflops", "GFLOP/s", {Peak() * 1e-9}));
    rows_.back().note = "at::mm, the best while updates were measured";
    for (EngineRow& row : rows_) {
      if (row.unit != kShareUnit) continue;
      for (double& rate : row.samples) rate /= Peak();
      row = MakeRow(row.name, row.unit, std::move(row.samples));
    }
  }

  size_t CountSamples() const {
    size_t samples = 0;
    for (const TrainShape& shape : options_.shapes) {
      if (WantsUpdates(shape.prefix)) samples += static_cast<size_t>(options_.repetitions);
      if (WantsRollouts(shape.prefix)) samples += 2 * static_cast<size_t>(options_.steps);  // the engine's too
    }
    return samples;
  }

  Status NextSample(const std::string& what) {
    if (options_.cancel != nullptr && *options_.cancel) return Error(ErrorCode::kCancelled, "interrupted");
    if (options_.progress != nullptr) options_.progress->Update(samples_done_, what);
    ++samples_done_;
    return {};
  }

  Status MeasureShape(const TrainShape& shape) {
    const bool updates = WantsUpdates(shape.prefix), rollouts = WantsRollouts(shape.prefix);
    if (!updates && !rollouts) return {};
    if (updates) JADE_TRY(MeasureUpdates(shape));
    if (rollouts) JADE_TRY(MeasureStepsOf(shape));
    const double megabytes = static_cast<double>(PeakResidentBytes()) * 1e-6;
    rows_.push_back(MakeRow(shape.prefix + ".peak_rss.mb", "MB", {megabytes}));
    return {};
  }

  Status MeasureStepsOf(const TrainShape& shape) {
    JADE_ASSIGN_OR_RETURN(const auto step, parts_.make_step(shape.prefix));
    TrainingStepsOptions options;
    options.prefix = shape.prefix;
    options.samples = options_.steps;
    options.updates = Wants(shape.prefix + ".step");
    options.dtype = shape.update.dtype;
    if (!options_.work.empty()) options.work = fmt::format("{}/{}.json", options_.work, shape.prefix);
    options.before_sample = [&] { return NextSample(shape.prefix + ".step"); };
    options.cancel = options_.cancel;
    JADE_ASSIGN_OR_RETURN(const std::vector<EngineRow> rows, MeasureTrainingSteps(*step, options));
    rows_.insert(rows_.end(), rows.begin(), rows.end());
    return {};
  }

  Status MeasureUpdates(const TrainShape& shape) {
    JADE_ASSIGN_OR_RETURN(const auto update, parts_.make_update(shape.update));
    JADE_ASSIGN_OR_RETURN([[maybe_unused]] const double warming_up, update->Run());
    const auto tokens = static_cast<double>(shape.update.sequences * shape.update.tokens);
    const double operations = kOperationsPerParameter * static_cast<double>(update->parameters());
    std::vector<double> samples, flops_per_s;
    for (int repetition = 0; repetition < options_.repetitions; ++repetition) {
      JADE_TRY(NextSample(shape.prefix + ".update"));
      // Neighbours take turns with the machine: each sample has its peak.
      peaks_.push_back(parts_.peak_flops_per_s());
      JADE_ASSIGN_OR_RETURN(const double seconds, update->Run());
      samples.push_back(tokens / seconds);
      flops_per_s.push_back(operations * tokens / seconds);
    }
    EngineRow rate = MakeRow(shape.prefix + ".update.tok_s", "tokens/s", std::move(samples));
    rate.note = fmt::format("{} sequences of {} tokens", shape.update.sequences, shape.update.tokens);
    rows_.push_back(std::move(rate));
    rows_.push_back(MakeRow(shape.prefix + ".update.gemm_share", kShareUnit, std::move(flops_per_s)));
    return {};
  }

  const TrainParts& parts_;
  const TrainBenchOptions& options_;
  uint64_t samples_done_ = 0;
  std::vector<double> peaks_;
  std::vector<EngineRow> rows_;
};

}  // namespace

Result<std::vector<EngineRow>> BenchTrain(const TrainParts& parts, const TrainBenchOptions& options) {
  if (options.repetitions < 1) return Error(ErrorCode::kInvalidArgument, "repetitions begin at 1");
  if (options.steps < 0) return Error(ErrorCode::kInvalidArgument, "there are no fewer than 0 steps");
  return TrainMeter(parts, options).Measure();
}

}  // namespace jade::bench
