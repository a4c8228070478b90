#pragma once
// What is known of a run beyond its reward: which calls used which, and what it would have earned had one call said
// something else (docs/credit.md). One thread, that of the session.

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/replay/counterfactual.h"
#include "runtime/replay/dataflow_tracer.h"
#include "runtime/rollout/questions_run.h"
#include "runtime/rollout/transition.h"

namespace jade::rollout {

// Of one call; see Transition.
struct CallCredit {
  std::vector<uint32_t> consumers;
  bool in_result = false;
  std::vector<double> alternative_rewards;
  std::vector<double> alternative_penalties;
};
using RunCredit = std::vector<CallCredit>;  // by call, in order of issue

// Finds who used whose value. Runs whose flow cannot be traced (docs/credit.md has the bounds) fail with the reason.
Status TraceFlow(replay::DataFlowTracer& tracer, const Answered& answered, RunCredit* credit);

struct ResampleOptions {
  double share = 0.1;  // of the eligible calls
  int alternatives = 4;
  uint64_t seed = 0;               // chooses the calls
  std::set<std::string> eligible;  // roles
  double failed_reward = 0;        // of an alternative without a value
  const std::atomic<bool>* cancel = nullptr;
};

struct Resampled {
  int64_t calls = 0;     // that were sampled anew
  int64_t replayed = 0;  // calls answered from records
  int64_t asked = 0;     // calls of the model
};

// Samples some calls of the runs anew, all at once. `credits` has an entry a run.
Result<Resampled> ResampleCalls(session::Session& session, replay::Counterfactuals& counterfactuals,
                                std::span<const Answered> runs, const ResampleOptions& options,
                                std::span<RunCredit> credits);

}  // namespace jade::rollout
