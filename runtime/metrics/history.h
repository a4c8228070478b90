#pragma once
// The figures of a run so far, read back from its folder: what a resumed run needs to raise the alarms it would have
// raised. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/metrics/alarms.h"

namespace jade::metrics {

// The records of the steps up to `last_step`, in order, from metrics.jsonl and the lines of split "train" in
// plans.jsonl. Figures of the development set (`dev/…`) are left out, and steps that have no others; `null` becomes
// NaN. Lines that are damaged are passed over, as MetricsWriter drops them. A folder without these files has no
// history. Fails with kIo.
Result<std::vector<StepRecord>> ReadHistory(const std::string& folder, int64_t last_step);

}  // namespace jade::metrics
