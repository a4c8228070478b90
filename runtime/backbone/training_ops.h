#pragma once
// The steps of Decoder::ForwardPacked on the processor, each with its backward pass: activations between the matrices
// are of the type that is multiplied, the residual stream is fp32, and gradients of weights go straight to the masters
// (master_gradient.h) while they are in the cache. What is computed does not depend on whether gradients are recorded,
// bit for bit. Shapes as in model.h.

#include <memory>
#include <utility>

#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/master_gradient.h"
#include "runtime/backbone/shared_rows.h"

namespace jade::backbone {

// A weight as it is multiplied, and where its gradient goes; null: it has none.
struct TrainedWeight {
  const at::Tensor& value;
  const MasterGradientPtr& gradient;
};

// Rows of the fp32 embedding.
at::Tensor EmbedRows(const at::Tensor& tokens_N, const TrainedWeight& embedding_VD);

// hidden + delta, fp32, and its RMS norm, of type `type`. The delta is fp32 or bf16, or undefined.
std::pair<at::Tensor, at::Tensor> AddRmsNorm(const at::Tensor& hidden_ND, const at::Tensor& delta_ND,
                                             const TrainedWeight& weight_D, double eps, at::ScalarType type);

// x·weightᵀ + bias, all in the type of x and weight; a bias is fp32, and may be undefined.
at::Tensor Project(const at::Tensor& x, const TrainedWeight& weight, const TrainedWeight& bias);

// Columns [first, first + rows of b) of y += scale · (x·aᵀ)·bᵀ, in place; y must be no leaf and needed by nothing else.
// a [R, in] and b [out, R] are fp32 parameters, multiplied in the type of x (Hu et al. 2021,
// https://arxiv.org/abs/2106.09685).
at::Tensor AddLowRank(const at::Tensor& y, const at::Tensor& x, const at::Tensor& a, const at::Tensor& b, int64_t first,
                      double scale);

// Rotary positions, then causal attention within each sequence: [N, C] → [N, H·E], in the type of qkv. Where sequences
// share rows, cos and sin are of every token, as cu_seqlens are.
at::Tensor RotaryAttention(const at::Tensor& qkv_NC, const at::Tensor& cos, const at::Tensor& sin,
                           const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout,
                           const std::shared_ptr<const SharedRows>& shared = nullptr);

}  // namespace jade::backbone
