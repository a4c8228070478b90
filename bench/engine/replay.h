#pragma once
// The calls of recorded runs as a plan to be made again: the same prompts, replies of the same length, each call after
// those that its run had seen the end of when it made it. One thread.

#include <string>
#include <vector>

#include "bench/engine/call_plan.h"
#include "compiler/result/result.h"
#include "runtime/trace/record.h"

namespace jade::bench {

struct RecordedRun {
  trace::RunRecord run;
  std::vector<trace::CallRecord> calls;
};

// A line for each run, in the order they began, as many at once as were under way at once. Tools take no time, and only
// calls of a model that were answered are made. Empty when there are none.
CallPlan PlanReplay(std::vector<RecordedRun> runs);

// Of all runs of an experience store. kInvalidArgument when it has no call with the tokens of its reply.
Result<CallPlan> ReadReplay(const std::string& store);

}  // namespace jade::bench
