#include "bench/engine/engine_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "bench/engine/call_rows.h"
#include "bench/engine/machine.h"
#include "bench/engine/meter.h"
#include "bench/engine/step_rows.h"

namespace jade::bench {
namespace {

constexpr int kProductSamples = 2;

Status CheckOptions(const weights::ModelConfig& config, const EngineBenchOptions& options) {
  const auto positive = [](int64_t n) { return n >= 1; };
  if (options.repetitions < 1 || options.slots < 1 || options.questions < 1 || options.decode_steps < 1 ||
      options.batches.empty() || options.contexts.empty() || !std::ranges::all_of(options.batches, positive)) {
    return Error(ErrorCode::kInvalidArgument, "repetitions, slots, questions and batches begin at 1");
  }
  for (const int64_t context : options.contexts) {
    if (context < 1 || context + options.decode_steps > config.max_positions) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("a context of {} tokens does not fit into the model's {}",
                                                            context, config.max_positions));
    }
  }
  return options.compare ? CheckLlama(*options.compare) : Status{};
}

}  // namespace

Result<std::vector<EngineRow>> BenchEngine(backbone::MeasuredModel& model, const EngineBenchOptions& options) {
  JADE_TRY(CheckOptions(model.config(), options));
  const std::vector<StepCase> steps = StepCases(options);
  const std::vector<CallCase> calls = CallCases(options);
  if (steps.empty() && calls.empty()) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("no row's name begins with `{}`", options.only));
  }
  Meter meter(model, options);
  meter.Begin(kProductSamples + steps.size() * static_cast<size_t>(options.repetitions) +
              calls.size() * static_cast<size_t>(CallRepetitions(options)));
  JADE_TRY(meter.MeasureProducts());
  CacheUse cache;
  if (!steps.empty()) {
    JADE_ASSIGN_OR_RETURN(cache.budget_bytes, MeasureSteps(model, options, steps, meter));
  }
  if (!calls.empty()) {
    JADE_ASSIGN_OR_RETURN(const CacheUse used, MeasureCalls(model, options, calls, meter));
    cache.budget_bytes = std::max(cache.budget_bytes, used.budget_bytes);
    cache.peak_bytes = used.peak_bytes;
  }
  meter.End();
  meter.AddMemory("kv_budget.bytes", static_cast<double>(cache.budget_bytes));
  if (!calls.empty()) meter.AddMemory("kv_peak.bytes", static_cast<double>(cache.peak_bytes));
  meter.AddMemory("peak_rss.bytes", static_cast<double>(PeakResidentBytes()));
  return meter.TakeRows();
}

}  // namespace jade::bench
