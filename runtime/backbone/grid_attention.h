#pragma once
// Attention within each sequence of a packed batch by LibTorch's own fused kernels, for devices without kernels of
// ours: the sequences are laid into a grid as wide as the longest, whose causal mask hides what stands behind a
// sequence's end. Differentiable. A few launches a layer, however many sequences there are; a batch of very uneven
// lengths wastes memory.

#include <vector>

#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/model.h"

namespace jade::backbone {

class GridAttention final : public AttentionOperator {
 public:
  // cu_seqlens: [S + 1] first row of each sequence, and N.
  GridAttention(const std::vector<int64_t>& cu_seqlens, HeadLayout layout, at::Device device);

  at::Tensor Attend(int64_t layer, const at::Tensor& qkv_NC) override;

 private:
  HeadLayout layout_;
  int64_t sequences_ = 0, longest_ = 0;
  at::Tensor cells_N_;  // int64: the cell of each row, in a grid of [S, longest]
};

}  // namespace jade::backbone
