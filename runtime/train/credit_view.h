#pragma once
// The trained transitions of a batch as runtime/advantage takes them. One thread.

#include <cstdint>
#include <vector>

#include "runtime/advantage/estimate.h"
#include "runtime/rollout/transition.h"
#include "runtime/train/collective.h"
#include "runtime/train/policy_batch.h"
#include "runtime/train/update_metrics.h"

namespace jade::train {

struct CreditViewOptions {
  bool values = false;     // TokenFigures::value is there
  bool reference = false;  // and reference_log_prob
};

class CreditView {
 public:
  // The batches outlive the view; of `tokens` the figures are copied.
  CreditView(const rollout::Batch& batch, const PolicyBatch& flat, const std::vector<TokenFigures>& tokens,
             CreditViewOptions options);
  CreditView(const CreditView&) = delete;
  CreditView& operator=(const CreditView&) = delete;

  const advantage::Batch& view() const { return view_; }

 private:
  void AddEdges(const rollout::Batch& batch, const PolicyBatch& flat);
  void AddAlternatives(const PolicyBatch& flat);

  advantage::Batch view_;
  std::vector<int32_t> role_, consumers_;
  std::vector<int64_t> question_, run_, consumer_offsets_, alternative_offsets_;
  std::vector<uint64_t> site_;
  std::vector<double> penalty_, team_reward_, alternative_rewards_, alternative_penalties_;
  std::vector<float> values_, log_probs_, reference_;
  std::vector<uint8_t> in_result_;
};

// Element by element over all processes.
Status SumMoments(Collective& collective, std::span<advantage::Moments> moments);
Status SumMoments(Collective& collective, std::span<advantage::RoleRewards> rewards);

}  // namespace jade::train
