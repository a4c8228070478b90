#include "bench/train/train_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bench/engine/machine.h"

namespace jade::bench {
namespace {

// Matrix products with a weight: one multiplication and addition a token forward, two backward.
constexpr double kOperationsPerParameter = 6;
constexpr const char* kShareUnit = "of peak";

class TrainMeter {
 public:
  TrainMeter(const TrainParts& parts, const TrainBenchOptions& options) : parts_(parts), options_(options) {}

  Result<std::vector<EngineRow>> Measure() {
    std::vector<TrainShape> wanted;
    for (const TrainShape& shape : options_.shapes) {
      if (Wants(shape.prefix + ".update") || Wants(shape.prefix + ".peak_rss")) wanted.push_back(shape);
    }
    if (wanted.empty()) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("no row's name begins with `{}`", options_.only));
    }
    if (options_.progress != nullptr) {
      const auto samples = wanted.size() * static_cast<size_t>(options_.repetitions);
      options_.progress->Begin({.name = "measuring", .unit = "samples", .total = samples});
    }
    Status measured;
    for (const TrainShape& shape : wanted) {
      measured = MeasureUpdates(shape);
      if (!measured.ok()) break;
    }
    if (options_.progress != nullptr) options_.progress->End();
    JADE_TRY(measured);
    rows_.push_back(MakeRow("machine.gemm_bf16.gflops", "GFLOP/s", {Peak() * 1e-9}));
    rows_.back().note = "at::mm, the best while updates were measured";
    for (EngineRow& row : rows_) {
      if (row.unit == kShareUnit) row = MakeRow(row.name, row.unit, Shares(row.samples));
    }
    std::erase_if(rows_, [&](const EngineRow& row) { return !row.name.starts_with("machine.") && !Wants(row.name); });
    return std::move(rows_);
  }

 private:
  // A row asked for by a longer name needs the measurement of a shorter one, and the other way round.
  bool Wants(const std::string& name) const {
    return name.starts_with(options_.only) || (options_.only.starts_with(name) && options_.only.size() > name.size());
  }
  double Peak() const { return *std::max_element(peaks_.begin(), peaks_.end()); }

  // Of the peak that all shapes saw together.
  std::vector<double> Shares(std::vector<double> flops_per_s) const {
    for (double& rate : flops_per_s) rate /= Peak();
    return flops_per_s;
  }

  Status MeasureUpdates(const TrainShape& shape) {
    JADE_ASSIGN_OR_RETURN(const auto update, parts_.make_update(shape.update));
    JADE_ASSIGN_OR_RETURN([[maybe_unused]] const double warming_up, update->Run());
    const auto tokens = static_cast<double>(shape.update.sequences * shape.update.tokens);
    const double operations = kOperationsPerParameter * static_cast<double>(update->parameters());
    std::vector<double> samples, flops_per_s;
    for (int repetition = 0; repetition < options_.repetitions; ++repetition) {
      if (options_.cancel != nullptr && *options_.cancel) return Error(ErrorCode::kCancelled, "interrupted");
      if (options_.progress != nullptr) options_.progress->Update(samples_done_, shape.prefix + ".update");
      ++samples_done_;
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
    const double megabytes = static_cast<double>(PeakResidentBytes()) * 1e-6;
    rows_.push_back(MakeRow(shape.prefix + ".peak_rss.mb", "MB", {megabytes}));
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
  return TrainMeter(parts, options).Measure();
}

}  // namespace jade::bench
