#pragma once
// Internal to bench/engine: the rows of whole calls through the engine.

#include <cstdint>
#include <string>
#include <vector>

#include "bench/engine/meter.h"
#include "bench/engine/role_calls.h"
#include "compiler/result/result.h"

namespace jade::bench {

struct CallCase {
  std::string name;  // "engine.role_calls.per_s"
  bool plain = false;
};

// Those that the options ask for.
std::vector<CallCase> CallCases(const EngineBenchOptions& options);
int CallRepetitions(const EngineBenchOptions& options);

// Returns the largest budget of a cache in bytes.
Result<int64_t> MeasureCalls(backbone::MeasuredModel& model, const EngineBenchOptions& options,
                             const std::vector<CallCase>& cases, Meter& meter);

}  // namespace jade::bench
