#pragma once
// Runs of an experience store as a batch of transitions. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/rollout/transition.h"
#include "runtime/trace/store.h"

namespace jade::rollout {

// Reads the runs that the filter lets through, the oldest first. Each run is a question of its own, with the run's id
// and the text of its first input; a run without a team reward has `failed_reward`. Calls without token ids (a remote
// backbone gives none) are left out and counted. The store does not know temperatures: they are 1. Memory: all of the
// runs.
Result<Batch> BatchOfRecordedRuns(trace::StoreReader& store, const trace::RunFilter& filter, double failed_reward = 0);

}  // namespace jade::rollout
