#pragma once
// Demonstrations as the decoder takes them: packed rows, and which of them predict a token that counts.
//
// Shapes: N tokens of all sequences, M rows that count.

#include <span>
#include <vector>

#include "runtime/backbone/model.h"
#include "runtime/train/demonstration_set.h"

namespace jade::train {

struct SupervisedBatch {
  backbone::PackedBatch packed;
  at::Tensor rows_M;     // int64: the row before each token that counts
  at::Tensor targets_M;  // int64: that token
  at::Tensor weights_M;  // fp32, above zero
  double weight_sum = 0;
  int64_t reply_tokens = 0;
};

SupervisedBatch PackDemonstrations(std::span<const Demonstration> demonstrations, const LossWeights& loss,
                                   at::Device device);

// Cuts a batch into pieces of at most `micro_tokens` tokens (one demonstration at least), in order.
std::vector<std::span<const Demonstration>> SplitByTokens(std::span<const Demonstration> demonstrations,
                                                          int64_t micro_tokens);

}  // namespace jade::train
