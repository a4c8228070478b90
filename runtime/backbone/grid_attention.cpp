#include "runtime/backbone/grid_attention.h"

#include <algorithm>

namespace jade::backbone {

GridAttention::GridAttention(const std::vector<int64_t>& cu_seqlens, HeadLayout layout, at::Device device)
    : layout_(layout), sequences_(static_cast<int64_t>(cu_seqlens.size()) - 1) {
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) longest_ = std::max(longest_, cu_seqlens[s + 1] - cu_seqlens[s]);
  std::vector<int64_t> cells;
  cells.reserve(static_cast<size_t>(cu_seqlens.back()));
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    for (int64_t t = 0; t < cu_seqlens[s + 1] - cu_seqlens[s]; ++t) {
      cells.push_back(static_cast<int64_t>(s) * longest_ + t);
    }
  }
  cells_N_ = at::tensor(at::ArrayRef<int64_t>(cells), at::kLong).to(device);
}

at::Tensor GridAttention::Attend(int64_t /*layer*/, const at::Tensor& qkv_NC) {
  if (qkv_NC.size(0) == 0) return qkv_NC.narrow(1, 0, layout_.q_width());
  const at::Tensor grid =
      at::zeros({sequences_ * longest_, qkv_NC.size(1)}, qkv_NC.options()).index_copy(0, cells_N_, qkv_NC);
  const auto parts = grid.split_with_sizes({layout_.q_width(), layout_.kv_width(), layout_.kv_width()}, 1);
  const auto by_head = [&](const at::Tensor& t, int64_t heads) {  // [S, heads, T, E]
    return t.reshape({sequences_, longest_, heads, layout_.head_dim}).transpose(1, 2);
  };
  // The query heads of a group share one expanded key head.
  const auto expanded = [&](const at::Tensor& t) {
    return by_head(t, layout_.kv_heads)
        .unsqueeze(2)
        .expand({sequences_, layout_.kv_heads, layout_.heads / layout_.kv_heads, longest_, layout_.head_dim})
        .reshape({sequences_, layout_.heads, longest_, layout_.head_dim});
  };
  const at::Tensor out = ScaledDotProductAttention(by_head(parts[0], layout_.heads), expanded(parts[1]),
                                                   expanded(parts[2]), /*causal=*/true);
  return out.transpose(1, 2).reshape({sequences_ * longest_, layout_.q_width()}).index_select(0, cells_N_);
}

}  // namespace jade::backbone
