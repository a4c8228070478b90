#pragma once
// Internal to bench/engine: what all parts of a measurement share. Rates of the machine, progress, cancellation, and
// the rows that have been measured. One thread.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "bench/engine/engine_bench.h"
#include "bench/engine/llama.h"
#include "bench/engine/row.h"
#include "bench/engine/work.h"
#include "compiler/result/result.h"
#include "runtime/backbone/measured_model.h"

namespace jade::bench {

class Meter {
 public:
  // Both outlive the meter.
  Meter(backbone::MeasuredModel& model, const EngineBenchOptions& options) : model_(model), options_(options) {}

  // Must be called before the first sample.
  void Begin(uint64_t samples);
  void End();
  // Before each sample: tells progress, fails with kCancelled.
  Status NextSample(const std::string& what);

  // The most operations a second at which this machine multiplies in the model's type.
  Status MeasureProducts();
  // The bandwidth of a machine with neighbours changes within minutes: measured again for each case.
  void MeasureRead();

  ElementBytes element_bytes() const;
  bool Wants(const std::string& name) const { return name.starts_with(options_.only); }
  // A row of ours: `amount` of the unit is what `work` produces.
  void Add(EngineRow row, const Work& work, double amount);
  // A row of ours that no limit is known of.
  void AddPlain(EngineRow row) { engine_.push_back(std::move(row)); }
  // The twin of the last row that was added, and their ratio.
  void AddTwin(const LlamaCase& llama);
  // A further row, at the end.
  void AddMemory(const std::string& name, double bytes);

  std::vector<EngineRow> TakeRows();

 private:
  backbone::MeasuredModel& model_;
  const EngineBenchOptions& options_;
  uint64_t samples_done_ = 0;
  double flops_per_s_ = 0;
  double bytes_per_s_ = 0;
  std::vector<double> reads_;
  std::vector<EngineRow> machine_, engine_, llama_, ratio_, memory_;
};

}  // namespace jade::bench
