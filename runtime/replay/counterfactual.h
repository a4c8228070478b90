#pragma once
// Counterfactual runs: a recorded run again with one of its calls sampled anew, everything that does not change with it
// taken from the record. The spread of the team rewards is that call's baseline (docs/credit.md).
//
//   replay::ResamplingEngine engine(&backbone);
//   replay::ResamplingTools tools({&retriever});
//   session::Session session(&engine, {&tools});       // ordinary runs go through as they are
//   replay::Counterfactuals resampled(&session, &engine, &tools);
//   auto run = std::make_shared<const replay::RecordedRun>(replay::RecordedRun{request, finished.calls});
//   Result<std::vector<session::RunId>> started = resampled.Start(run, call, 4);   // as many as you like
//   session.Drain();                                    // all of them at once, batched by the backbone
//   replay::Alternative one = resampled.Take(started->front());
//
// One thread, that of the session.

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/replay/resampling.h"
#include "runtime/session/session.h"
#include "runtime/trace/record.h"

namespace jade::replay {

struct Alternative {
  session::FinishedRun finished;  // finished.run.reward: the team's, when the request names a reward and has gold answers
  std::optional<size_t> call;     // index in finished.calls of the call that was sampled anew; none: it was not reached
  int64_t replayed_calls = 0;     // of models, answered from the record
  int64_t asked_calls = 0;        // of models, the one sampled anew among them
  int64_t replayed_tools = 0;     // executions of tools: calls that shared one do not count
  int64_t asked_tools = 0;
};

// The seed of an alternative run, from 0: the hash of (seed of the recorded run, path of the call that is sampled anew,
// number of the alternative). All calls that are not answered from the record draw from its streams, so that they
// repeat, and are independent of the recorded run's.
uint64_t AlternativeSeed(uint64_t seed, const trace::PathHash& path, uint32_t alternative);

class Counterfactuals {
 public:
  // The session's engine and tools are those given. All outlive it.
  Counterfactuals(session::Session* session, ResamplingEngine* engine, ResamplingTools* tools);

  // Starts `count` runs that sample the call with this index anew. They are not recorded and have no observer. Fails
  // with kInvalidArgument when it is no call of a model of that run, and as Session::Start.
  Result<std::vector<session::RunId>> Start(const std::shared_ptr<const RecordedRun>& run, size_t call, uint32_t count);
  // Of a run that is no longer active; once.
  Alternative Take(session::RunId run);

 private:
  session::Session* session_;
  ResamplingEngine* engine_;
  ResamplingTools* tools_;
  struct Started {
    std::shared_ptr<const RecordedRun> run;
    size_t call = 0;
    ResamplingEngine::Ticket ticket = 0;
  };
  std::unordered_map<session::RunId, Started> started_;
};

}  // namespace jade::replay
