#include "runtime/train/rejection.h"

namespace jade::train {

Accepted AcceptTransitions(const rollout::Batch& batch, const RejectionConfig& config) {
  constexpr size_t kNone = SIZE_MAX;
  std::vector<size_t> best(batch.questions.size(), kNone);
  for (size_t i = 0; i < batch.runs.size(); ++i) {
    size_t& of = best[batch.runs[i].question];
    if (of == kNone || batch.runs[i].reward > batch.runs[of].reward) of = i;
  }
  Accepted accepted;
  std::vector<uint8_t> runs(batch.runs.size(), 0);
  for (size_t i = 0; i < runs.size(); ++i) {
    const rollout::Run& run = batch.runs[i];
    const bool enough = run.reward >= config.threshold;
    runs[i] = enough && (!config.best_of_group || best[run.question] == i) ? 1 : 0;
    accepted.runs += runs[i];
  }
  for (const rollout::Transition& transition : batch.transitions) {
    const bool taken = transition.trained && transition.penalty == 0 && runs[transition.run] != 0;
    accepted.transitions.push_back(taken ? 1 : 0);
    accepted.calls += taken ? 1 : 0;
  }
  return accepted;
}

}  // namespace jade::train
