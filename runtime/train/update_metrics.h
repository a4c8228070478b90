#pragma once
// What a step tells about itself, over all processes: every one calls, and all get the same figures. One thread.

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/advantage/estimate.h"
#include "runtime/metrics/run_files.h"
#include "runtime/rollout/transition.h"
#include "runtime/train/collective.h"
#include "runtime/train/policy_batch.h"

namespace jade::train {

// By response token of the whole batch, 0 where nothing was trained.
struct BatchCredit {
  std::vector<uint8_t> counted;
  std::vector<float> advantages, returns;
};

struct UpdateReport {
  metrics::Scalars scalars;    // docs/training.md lists the tags
  int64_t mini_batches = 0;    // done
  int64_t tokens = 0;          // of the batch's packed sequences
  bool stopped_early = false;  // target_kl was passed
  BatchCredit credit;          // only where the configuration exports batches
};

// Of one response token.
struct TokenFigures {
  float old_log_prob = 0;
  float entropy = 0;  // of the old policy
  float reference_log_prob = 0;
  float value = 0;  // the critic's before the update
  // From the last epoch that saw it.
  float ratio = 1;
  float kl = 0;  // k3 estimate between old and new policy
  float importance = 1;
  bool clipped = false;
  bool dual_clipped = false;
};

struct MetricsInput {
  const rollout::Batch& batch;
  const PolicyBatch& flat;
  const std::vector<TokenFigures>& tokens;
  const advantage::Estimates& estimates;
  bool has_reference = false;
  bool has_values = false;
};

// By role and over all: reward, validity, length, entropy, KL, clip fraction, value error, advantages, mismatch.
Result<metrics::Scalars> UpdateScalars(const MetricsInput& input, Collective& collective);

// Of the roll-out alone: rewards, quality, cost, failures, validity, what was left out.
Result<metrics::Scalars> RolloutScalars(const rollout::Batch& batch, Collective& collective);

}  // namespace jade::train
