#pragma once
// Advantages of a step's transitions over all processes of a job, and which calls have any. Every process calls. One
// thread.

#include <cstdint>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/advantage/estimate.h"
#include "runtime/rollout/transition.h"
#include "runtime/train/collective.h"
#include "runtime/train/legal_tokens.h"
#include "runtime/train/policy_batch.h"
#include "runtime/train/update_metrics.h"

namespace jade::train {

size_t TrainedCount(const rollout::Batch& batch);

// Baselines and whitening are those of all processes' transitions.
Result<advantage::Estimates> EstimateTogether(const advantage::Batch& view, const advantage::Options& options,
                                              Collective& collective);

// The trained transitions but those of flat groups (advantage::CallsWithoutSignal), known before the first pass.
struct Informative {
  std::vector<uint8_t> transitions;  // by transition of the batch: 1 where it is one
  advantage::Estimates estimates;    // over all that are trained; advantages and returns of these alone, in order
};
Result<Informative> FindInformative(const rollout::Batch& batch, const advantage::Options& options, LegalTokens& legal,
                                    Collective& collective);

// From the tokens that were trained to those of the whole batch.
BatchCredit CreditOf(const rollout::Batch& batch, const PolicyBatch& flat, const advantage::Estimates& estimates);

}  // namespace jade::train
