#pragma once
// The differentiable steps of a decoder layer that eager LibTorch spends too many passes over memory on. On the CPU
// they run the kernels of cpu_kernels.h; elsewhere, and as the oracle of the tests, plain LibTorch. All are functions
// of their arguments: any thread.
//
// Shapes as in model.h.

#include <cstdint>
#include <vector>

#include "runtime/backbone/torch_compat.h"

namespace jade::backbone {

// How the joint q, k, v rows are divided.
struct HeadLayout {
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t q_width() const { return heads * head_dim; }
  int64_t kv_width() const { return kv_heads * head_dim; }
  int64_t joint_width() const { return q_width() + 2 * kv_width(); }
};

// x / sqrt(mean(x²) + eps) · w over the last dimension, computed in fp32 (Zhang & Sennrich 2019,
// https://arxiv.org/abs/1910.07467).
at::Tensor RmsNorm(const at::Tensor& x_ND, const at::Tensor& weight_D, double eps);

// silu(gate) · up for rows [gate, up]: [N, 2F] → [N, F].
at::Tensor SwiGlu(const at::Tensor& gate_up);

// Rotates the q and k heads of joint rows by position (Su et al. 2021, https://arxiv.org/abs/2104.09864; halves, as
// Hugging Face lays them out). cos, sin: fp32 [N, E / 2]. The v part is copied.
at::Tensor Rotary(const at::Tensor& qkv_NC, const at::Tensor& cos, const at::Tensor& sin, const HeadLayout& layout);

// Causal attention within each of the sequences of a packed batch: [N, C] → [N, H·E]. Work and memory are linear in N
// and, per sequence, quadratic and linear in its length. On the CPU; elsewhere: GridAttention.
at::Tensor PackedAttention(const at::Tensor& qkv_NC, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout);

// log softmax(hidden·headᵀ)[target] of each row, fp32 [M]: the loss of supervised training and of PPO, without keeping
// a [M, V] matrix when that is large. Differentiable in hidden and head. Targets int64 [M].
at::Tensor TokenLogProbs(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M);

// x·weightᵀ + bias: [N, in], [out, in], [out] → [N, out]; the bias may be undefined. Up to kSkinnyRows fp32 rows
// without a gradient on the CPU take a kernel that reads the weights once and sums in fp32; there a row's result does
// not depend, bit for bit, on the rows beside it. More fp32 rows with bf16 weights are rounded to bf16 and multiplied
// so; the product is rounded once to bf16 and comes back in fp32.
inline constexpr int64_t kSkinnyRows = 48;
at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// The same in plain differentiable LibTorch, for any device and type.
namespace reference {
at::Tensor RmsNorm(const at::Tensor& x_ND, const at::Tensor& weight_D, double eps);
at::Tensor SwiGlu(const at::Tensor& gate_up);
at::Tensor Rotary(const at::Tensor& qkv_NC, const at::Tensor& cos, const at::Tensor& sin, const HeadLayout& layout);
at::Tensor PackedAttention(const at::Tensor& qkv_NC, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout);
at::Tensor TokenLogProbs(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M);
}  // namespace reference

}  // namespace jade::backbone
