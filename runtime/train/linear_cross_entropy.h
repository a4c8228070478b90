#pragma once
// Cross-entropy of a vocabulary projection without the matrix of logits: rows are taken in blocks, and the gradients,
// which are known as soon as a block's logits are, are kept instead. Any thread.
//
// Shapes: M rows, D hidden size, V vocabulary.

#include "runtime/backbone/torch_compat.h"

namespace jade::train {

// Σ_m weights[m] · −log softmax(hidden[m]·headᵀ)[targets[m]], a differentiable fp32 scalar. targets int64 [M], weights
// fp32 [M]. Gradients reach hidden and head, where they are asked for. Memory: two matrices of the sizes of hidden and
// head, in fp32, and a block of logits of about 64 MiB. The gradient of DecoderWeights::head_VD is added to its master
// in fp32.
at::Tensor LinearCrossEntropy(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M,
                              const at::Tensor& weights_M);

// What one block after another says without gradients.
struct RowScores {
  at::Tensor loss_M;     // fp32 −log p of the target
  at::Tensor correct_M;  // bool: the target is the most likely token
};
RowScores ScoreRows(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M);

}  // namespace jade::train
