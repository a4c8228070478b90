#pragma once
// The weight of each token's loss, so that a step's loss is Σ weight · loss over any cut of its mini-batch into
// micro-batches or ranks. Pure functions, any thread.
//
// Over the counted tokens of the mini-batch's transitions; n_t of transition t, n_q of question q, N in all; C
// transitions and Q questions have at least one.
//   token-mean     1 / N          verl `token-mean` (the published run)
//   seq-mean       1 / (C · n_t)  verl `seq-mean-token-mean`: each call counts the same
//   call-mean      1 / C          verl `seq-mean-token-sum`: a call's tokens are summed, as the policy gradient of a
//   call question-mean  1 / (Q · n_q)  each question counts the same, and each token of a question
// A token's weight is that times the weight of its role; role weights do not enter the denominators, so raising one
// role leaves the others as they were.

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/advantage/batch.h"
#include "runtime/advantage/options.h"

namespace jade::advantage {

// The denominators; summed over ranks before the weights are made. A question's transitions of one mini-batch stay on
// one rank.
struct LossUnits {
  double tokens = 0.0;
  double calls = 0.0;
  double questions = 0.0;

  void Add(const LossUnits& other) {
    tokens += other.tokens;
    calls += other.calls;
    questions += other.questions;
  }
  friend bool operator==(const LossUnits&, const LossUnits&) = default;
};

// Of the transitions named, which are different ones.
LossUnits CountLossUnits(const Batch& batch, std::span<const int32_t> transitions);

// One weight for each transition named, in that order: of each of its counted tokens; 0 where it has none. Named are
// all of the mini-batch (on this rank); micro-batches are cut afterwards. `role_weights` [roles], or empty: 1. `units`:
// CountLossUnits of the same transitions, summed over ranks. Errors: a weight that is negative or not finite, sizes, a
// transition that is not in the batch or is named twice.
Result<std::vector<double>> CallWeights(const Batch& batch, std::span<const int32_t> transitions,
                                        LossAggregation aggregation, std::span<const double> role_weights,
                                        const LossUnits& units);

// One weight for each token of the transitions named, end to end: `call_weights` on counted tokens, 0 on the others.
std::vector<float> TokenWeights(const Batch& batch, std::span<const int32_t> transitions,
                                std::span<const double> call_weights);

}  // namespace jade::advantage
