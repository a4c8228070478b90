#pragma once
// An evaluation that all processes of a training run make together, each on its share of the questions. Every process
// calls, and all get the same figures. One thread.

#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include "runtime/train/collective.h"
#include "runtime/train/team.h"

namespace jade::train {

struct SharedEvaluation {
  metrics::Scalars scalars;              // "dev/f1", …
  metrics::Plans plans;                  // of all questions
  std::vector<metrics::Sample> samples;  // of the first questions of this process
  std::string rows;                      // a JSON object a question, in order, as `jade eval --rows` writes them
};

struct EvaluationRequest {
  std::string place;  // before each tag: "dev", "test"
  int64_t samples = 0;
  std::function<void(uint64_t)> progress;  // counts this process's answers; may be empty
  const std::atomic<bool>* cancel = nullptr;
};

// Process r of n answers questions r, r + n, …. kCancelled when any of them was cancelled.
Result<SharedEvaluation> EvaluateTogether(Team& team, Collective& collective,
                                          const std::vector<eval::Question>& questions,
                                          const EvaluationRequest& request);

// Counts of all processes together.
Result<metrics::Plans> SumPlans(Collective& collective, const metrics::Plans& plans);

}  // namespace jade::train
