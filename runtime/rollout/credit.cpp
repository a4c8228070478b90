#include "runtime/rollout/credit.h"

#include <xxhash.h>

#include <memory>

namespace jade::rollout {
namespace {

// A number in [0, 1) that depends on the seed and the call's place alone.
double Draw(uint64_t seed, uint64_t run_seed, const trace::PathHash& path) {
  const uint64_t key = run_seed ^ XXH3_64bits(path.data(), path.size());
  return static_cast<double>(XXH3_64bits_withSeed(&key, sizeof(key), seed) >> 11) * 0x1.0p-53;
}

struct Started {
  size_t run = 0;
  size_t call = 0;
  session::RunId id = 0;
};

std::vector<size_t> ChosenCalls(const Answered& run, const ResampleOptions& options) {
  std::vector<size_t> chosen;
  for (size_t i = 0; i < run.finished.calls.size(); ++i) {
    const trace::CallRecord& call = run.finished.calls[i];
    if (call.kind == trace::CallKind::kTool || call.status != trace::CallStatus::kDone) continue;
    if (!options.eligible.contains(call.role)) continue;
    if (Draw(options.seed, run.finished.run.seed, call.path_hash) < options.share) chosen.push_back(i);
  }
  return chosen;
}

}  // namespace

Status TraceFlow(replay::DataFlowTracer& tracer, const Answered& answered, RunCredit* credit) {
  const std::vector<trace::CallRecord>& calls = answered.finished.calls;
  credit->resize(calls.size());
  JADE_ASSIGN_OR_RETURN(const replay::DataFlow flow, tracer.Trace(answered.request, calls));
  std::vector<bool> kept;
  for (const trace::CallRecord& call : calls) kept.push_back(call.kind != trace::CallKind::kTool);
  const replay::Consumers consumers = replay::ConsumersOf(replay::NearestUses(flow), kept);
  for (size_t i = 0; i < calls.size(); ++i) {
    (*credit)[i].consumers = consumers.calls[i];
    (*credit)[i].in_result = consumers.in_value[i];
  }
  return {};
}

Result<Resampled> ResampleCalls(session::Session& session, replay::Counterfactuals& counterfactuals,
                                std::span<const Answered> runs, const ResampleOptions& options,
                                std::span<RunCredit> credits) {
  Resampled done;
  std::vector<Started> started;
  for (size_t r = 0; r < runs.size(); ++r) {
    credits[r].resize(runs[r].finished.calls.size());
    const std::vector<size_t> chosen = ChosenCalls(runs[r], options);
    if (chosen.empty()) continue;
    const auto recorded =
        std::make_shared<const replay::RecordedRun>(replay::RecordedRun{runs[r].request, runs[r].finished.calls});
    for (const size_t call : chosen) {
      JADE_ASSIGN_OR_RETURN(const auto ids,
                            counterfactuals.Start(recorded, call, static_cast<uint32_t>(options.alternatives)));
      for (const session::RunId id : ids) started.push_back({r, call, id});
      ++done.calls;
    }
  }
  session.Drain(options.cancel);
  for (const Started& one : started) {
    const replay::Alternative alternative = counterfactuals.Take(one.id);
    done.replayed += static_cast<int64_t>(alternative.calls.replayed);
    done.asked += static_cast<int64_t>(alternative.calls.asked);
    CallCredit& credit = credits[one.run][one.call];
    credit.alternative_rewards.push_back(alternative.finished.run.reward.value_or(options.failed_reward));
    credit.alternative_penalties.push_back(alternative.call ? alternative.finished.calls[*alternative.call].penalty
                                                            : 0.0);
  }
  if (options.cancel != nullptr && options.cancel->load()) return Error(ErrorCode::kCancelled, "interrupted");
  return done;
}

}  // namespace jade::rollout
