#pragma once
// The one place that knows LibTorch's versions. Everything else in this room and in runtime/train is written against
// what is here and what 1.13 and current 2.x share.

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>
#include <torch/version.h>

#define JADE_TORCH_AT_LEAST(major, minor) \
  (TORCH_VERSION_MAJOR > (major) || (TORCH_VERSION_MAJOR == (major) && TORCH_VERSION_MINOR >= (minor)))

namespace jade::backbone {

// softmax(q·kᵀ / sqrt(D))·v over the last two dimensions, inputs [..., T, D]; `causal` masks by position from the top
// left. Whatever fused kernel this LibTorch has for the device.
inline at::Tensor ScaledDotProductAttention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                            bool causal) {
#if JADE_TORCH_AT_LEAST(2, 0)
  return at::scaled_dot_product_attention(q, k, v, {}, 0.0, causal);
#else
  return std::get<0>(at::_scaled_dot_product_attention(q, k, v, {}, 0.0, false, causal));
#endif
}

inline bool CudaIsAvailable() {
  return at::hasCUDA();
}

}  // namespace jade::backbone
