#pragma once
// Finds the data flow of a recorded run: the run is made again by the interpreter, every reply and result taken from
// the records, while each value carries the calls it was computed from. No model is asked and no time passes. What
// comes out does not depend on the tier that ran it first nor on the order in which replies came then.
//
// One thread; use one tracer for many runs: it keeps compiled plans.

#include <memory>
#include <span>

#include "compiler/result/result.h"
#include "runtime/replay/dataflow.h"
#include "runtime/session/session.h"
#include "runtime/trace/record.h"

namespace jade::replay {

class DataFlowTracer {
 public:
  DataFlowTracer();
  ~DataFlowTracer();
  DataFlowTracer(const DataFlowTracer&) = delete;
  DataFlowTracer& operator=(const DataFlowTracer&) = delete;

  // `request` as the run was started with: program, workflow, inputs, params, budget and normalisation count.
  // `calls` are all its calls in order of issue. Also of runs that trapped or were cancelled. Fails with
  // kInvalidArgument when the records are not of such a run (a call that it makes is not there, or observed something
  // else), kOutOfMemory when the graph has more than interp::Origins::kMaxEntries edges on the way.
  Result<DataFlow> Trace(const session::RunRequest& request, std::span<const trace::CallRecord> calls);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace jade::replay
