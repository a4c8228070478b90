#pragma once
// A loss of the log-probability and the entropy of chosen tokens, through the vocabulary projection and without the
// matrix of logits: rows are taken in blocks, and because a row's loss depends on that row alone, its gradient is known
// as soon as its logits are. Any thread.
//
// Shapes: M rows, D hidden size, V vocabulary.

#include <cstdint>
#include <functional>
#include <vector>

#include "runtime/backbone/torch_compat.h"
#include "runtime/engine/token_mask.h"

namespace jade::train {

// The rows to be scored. The distribution of a row is softmax(logits · inverse_temperature) over its legal tokens.
struct TokenRows {
  at::Tensor targets_M;                         // int64, on the model's device
  std::vector<float> inverse_temperatures;      // M
  std::vector<const engine::TokenMask*> legal;  // M, null: every token is legal; or empty: all rows are free
};

struct TokenScore {
  float log_prob = 0;  // of the target
  float entropy = 0;   // of the row's distribution, nats; 0 unless asked for
};

// A row's loss and its derivatives.
struct TokenGradient {
  double loss = 0;
  float by_log_prob = 0;
  float by_entropy = 0;
};
// Called once a row, from several threads at once.
using TokenLoss = std::function<TokenGradient(int64_t row, const TokenScore& score)>;

// The scores of all rows, without gradients.
std::vector<TokenScore> ScoreTokens(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const TokenRows& rows,
                                    bool entropy);

// Σ loss(row), a differentiable fp32 scalar; gradients reach hidden and head. The log-probabilities that `loss` is
// given are those of ScoreTokens to the bit, on the same rows. Memory: two matrices of the sizes of hidden and head,
// and one block.
at::Tensor LinearTokenLoss(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const TokenRows& rows, bool entropy,
                           const TokenLoss& loss);

}  // namespace jade::train
