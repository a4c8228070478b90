#pragma once
// Counterfactual runs: a recorded run again with one of its calls sampled anew, everything that does not change with it
// taken from the record. The spread of the team rewards is that call's baseline (docs/credit.md).
//
//   replay::ResamplingEngine engine(&backbone);
//   replay::ResamplingTools tools({&retriever});
//   session::Session session(&engine, {&tools});       // ordinary runs go through as they are
//   replay::Counterfactuals resampled(&session, &engine, &tools);
//   auto run = std::make_shared<const replay::RecordedRun>(replay::RecordedRun{request, finished.calls});
//   Result<std::vector<session::RunId>> started = resampled.Start(run, call, 4);   // of as many calls as you like
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

namespace jade::replay {

struct Alternative {
  session::FinishedRun finished;  // finished.run.reward: the team's, when the request names a reward and gold answers
  std::optional<size_t> call;     // index in finished.calls of the call that was sampled anew; none: it was not reached
  Answered calls;                 // of models; the one sampled anew is among those asked
  Answered tools;                 // executions: calls that share one do not count
};

// The seed of an alternative run, from 0: a hash of the recorded run's seed and inputs, the path of the call that is
// sampled anew and the number of the alternative. Every call that is not answered from the record draws from the
// streams of that seed: the same again each time, and independent of the recorded run.
uint64_t AlternativeSeed(const session::RunRequest& request, const trace::PathHash& path, uint32_t alternative);

class Counterfactuals {
 public:
  // The session's engine and tools are those given. All outlive it.
  Counterfactuals(session::Session* session, ResamplingEngine* engine, ResamplingTools* tools);

  // Starts the alternatives `first` … `first + count - 1` of the call with this index, each a run of its own. They are
  // not recorded and have no observer. Fails with kInvalidArgument when the run has no such call of a model, when one
  // of them is under way (or not taken) already, and as Session::Start; then those it started are cancelled.
  Result<std::vector<session::RunId>> Start(const std::shared_ptr<const RecordedRun>& run, size_t call, uint32_t count,
                                            uint32_t first = 0);
  // Of a run that is no longer active; once.
  Alternative Take(session::RunId run);

 private:
  struct Started {
    std::shared_ptr<const RecordedRun> run;
    size_t call = 0;
    uint64_t seed = 0;
  };
  Result<session::RunId> StartOne(const std::shared_ptr<const RecordedRun>& run, size_t call, uint32_t alternative);

  session::Session* session_;
  ResamplingEngine* engine_;
  ResamplingTools* tools_;
  std::unordered_map<session::RunId, Started> started_;
};

}  // namespace jade::replay
