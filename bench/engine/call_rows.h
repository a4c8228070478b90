#pragma once
// Internal to bench/engine: the rows of whole calls through the engine.

#include <cstdint>
#include <string>
#include <vector>

#include "bench/engine/meter.h"
#include "bench/engine/role_calls.h"
#include "compiler/result/result.h"

namespace jade::bench {

enum class CallStyle : uint8_t { kShared, kPlain, kReplay };

struct CallCase {
  std::string name;  // "engine.role_calls.per_s"
  CallStyle style = CallStyle::kShared;
};

// Those that the options ask for.
std::vector<CallCase> CallCases(const EngineBenchOptions& options);
int CallRepetitions(const EngineBenchOptions& options);

// Of the cache of keys and values, the most of all cases.
struct CacheUse {
  int64_t budget_bytes = 0;
  int64_t peak_bytes = 0;
};
Result<CacheUse> MeasureCalls(backbone::MeasuredModel& model, const EngineBenchOptions& options,
                              const std::vector<CallCase>& cases, Meter& meter);

}  // namespace jade::bench
