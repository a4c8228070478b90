#pragma once
// The figures of a run so far, read back from its folder: what a resumed run needs to raise the alarms it would have
// raised. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/metrics/alarms.h"

namespace jade::metrics {

struct History {
  std::vector<StepRecord> steps;
  std::vector<StepRecord> evaluations;  // on the development set: the figures `dev/…`, without plans
};

// The records up to step `last_step`, in order, from metrics.jsonl and the lines of split "train" in plans.jsonl;
// `null` becomes NaN. Lines that are damaged are passed over, as MetricsWriter drops them. A folder without these files
// has no history. Fails with kIo.
Result<History> ReadHistory(const std::string& folder, int64_t last_step);

}  // namespace jade::metrics
