#pragma once
// Internal to bench/engine: the rows of the executor alone.

#include <cstdint>
#include <string>
#include <vector>

#include "bench/engine/meter.h"
#include "bench/engine/steps.h"
#include "compiler/result/result.h"

namespace jade::bench {

struct StepCase {
  std::string name;  // "engine.decode.b8.tok_s"
  StepPlan plan;
};

// Those that the options ask for.
std::vector<StepCase> StepCases(const EngineBenchOptions& options);

// Returns the bytes of the cache that the executor was given.
Result<int64_t> MeasureSteps(backbone::MeasuredModel& model, const EngineBenchOptions& options,
                             const std::vector<StepCase>& cases, Meter& meter);

}  // namespace jade::bench
