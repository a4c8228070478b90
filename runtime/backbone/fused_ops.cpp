#include "runtime/backbone/fused_ops.h"

namespace jade::backbone {

at::Tensor RmsNorm(const at::Tensor& x_ND, const at::Tensor& weight_D, double eps) {
  return reference::RmsNorm(x_ND, weight_D, eps);
}
at::Tensor SwiGlu(const at::Tensor& gate_up) {
  return reference::SwiGlu(gate_up);
}
at::Tensor Rotary(const at::Tensor& qkv_NC, const at::Tensor& cos, const at::Tensor& sin, const HeadLayout& layout) {
  return reference::Rotary(qkv_NC, cos, sin, layout);
}
at::Tensor PackedAttention(const at::Tensor& qkv_NC, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout) {
  return reference::PackedAttention(qkv_NC, cu_seqlens, layout);
}
at::Tensor TokenLogProbs(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M) {
  return reference::TokenLogProbs(hidden_MD, head_VD, targets_M);
}

}  // namespace jade::backbone
