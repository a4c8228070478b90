#include "runtime/backbone/fused_ops.h"

namespace jade::backbone::reference {

at::Tensor RmsNorm(const at::Tensor& x_ND, const at::Tensor& weight_D, double eps) {
  const at::Tensor wide = x_ND.to(at::kFloat);
  const at::Tensor scale = (wide.square().mean(-1, /*keepdim=*/true) + eps).rsqrt();
  return ((wide * scale) * weight_D.to(at::kFloat)).to(x_ND.scalar_type());
}

at::Tensor SwiGlu(const at::Tensor& gate_up) {
  const auto halves = gate_up.chunk(2, -1);
  return at::silu(halves[0]) * halves[1];
}

at::Tensor Rotary(const at::Tensor& qkv_NC, const at::Tensor& cos, const at::Tensor& sin, const HeadLayout& layout) {
  const int64_t rows = qkv_NC.size(0);
  const int64_t rotated_width = layout.q_width() + layout.kv_width();
  const at::Tensor heads = qkv_NC.narrow(1, 0, rotated_width)
                               .view({rows, layout.heads + layout.kv_heads, 2, layout.head_dim / 2})
                               .to(at::kFloat);
  const at::Tensor first = heads.select(2, 0), second = heads.select(2, 1);
  const at::Tensor c = cos.unsqueeze(1), s = sin.unsqueeze(1);
  const at::Tensor rotated = at::stack({first * c - second * s, second * c + first * s}, 2)
                                 .view({rows, rotated_width})
                                 .to(qkv_NC.scalar_type());
  return at::cat({rotated, qkv_NC.narrow(1, rotated_width, layout.kv_width())}, 1);
}

at::Tensor PackedAttention(const at::Tensor& qkv_NC, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout) {
  const int64_t group = layout.heads / layout.kv_heads;
  std::vector<at::Tensor> outputs;
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    const int64_t length = cu_seqlens[s + 1] - cu_seqlens[s];
    if (length == 0) continue;
    const at::Tensor rows = qkv_NC.narrow(0, cu_seqlens[s], length);
    const auto parts = rows.split_with_sizes({layout.q_width(), layout.kv_width(), layout.kv_width()}, 1);
    // [H, T, E]; a group of query heads shares one expanded key head.
    const auto by_head = [&](const at::Tensor& t, int64_t heads) {
      return t.reshape({length, heads, layout.head_dim}).transpose(0, 1);
    };
    const auto expand = [&](const at::Tensor& t) {
      return by_head(t, layout.kv_heads)
          .unsqueeze(1)
          .expand({layout.kv_heads, group, length, layout.head_dim})
          .reshape({layout.heads, length, layout.head_dim});
    };
    const at::Tensor out_HTE = ScaledDotProductAttention(by_head(parts[0], layout.heads).unsqueeze(0),
                                                         expand(parts[1]).unsqueeze(0), expand(parts[2]).unsqueeze(0),
                                                         /*causal=*/true)
                                   .squeeze(0);
    outputs.push_back(out_HTE.transpose(0, 1).reshape({length, layout.q_width()}));
  }
  if (outputs.empty()) return qkv_NC.narrow(1, 0, layout.q_width()).clone();
  return at::cat(outputs, 0);
}

at::Tensor TokenLogProbs(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M) {
  const at::Tensor logits_MV = at::linear(hidden_MD, head_VD).to(at::kFloat);
  return at::log_softmax(logits_MV, -1).gather(1, targets_M.unsqueeze(1)).squeeze(1);
}

}  // namespace jade::backbone::reference
