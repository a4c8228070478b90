#include "runtime/backbone/fused_ops.h"

#include <algorithm>
#include <cmath>

#include "runtime/backbone/cpu_kernels.h"

namespace jade::backbone {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

bool RunsKernels(const at::Tensor& t) {
  return t.device().is_cpu() && t.scalar_type() == at::kFloat;
}

bool Records(const at::Tensor& a) {
  return at::GradMode::is_enabled() && a.requires_grad();
}

const float* In(const at::Tensor& t) {
  return t.data_ptr<float>();
}
float* Out(const at::Tensor& t) {
  return t.data_ptr<float>();
}

bool IsHalf(const at::Tensor& t) {
  return t.scalar_type() == at::kBFloat16;
}
uint16_t* Bits(const at::Tensor& t) {
  return reinterpret_cast<uint16_t*>(t.data_ptr<at::BFloat16>());
}

// Rows in pieces of about this many elements go to a thread.
int64_t GrainRows(int64_t width) {
  return std::max<int64_t>(1, 16384 / std::max<int64_t>(1, width));
}

class RmsNormFunction : public torch::autograd::Function<RmsNormFunction> {
 public:
  static at::Tensor Compute(const at::Tensor& x, const at::Tensor& weight, double eps, at::Tensor* inverse_rms) {
    const int64_t width = x.size(-1), rows = x.numel() / std::max<int64_t>(1, width);
    at::Tensor y = at::empty_like(x);
    float* inverse = inverse_rms == nullptr ? nullptr : Out(*inverse_rms = at::empty({rows}, x.options()));
    at::parallel_for(0, rows, GrainRows(width), [&](int64_t begin, int64_t end) {
      CpuKernels().rms_norm(In(x) + begin * width, In(weight), Out(y) + begin * width,
                            inverse == nullptr ? nullptr : inverse + begin, end - begin, width,
                            static_cast<float>(eps));
    });
    return y;
  }

  static at::Tensor forward(AutogradContext* context, const Variable& x, const Variable& weight, double eps) {
    at::Tensor inverse_rms;
    at::Tensor y = Compute(x, weight, eps, &inverse_rms);
    context->save_for_backward({x, weight, inverse_rms});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &inverse_rms = saved[2];
    const at::Tensor dy = gradients[0].contiguous();
    const int64_t width = x.size(-1), rows = x.numel() / std::max<int64_t>(1, width);
    // Fixed pieces, so that the sum over rows does not depend on which thread was faster.
    const int64_t pieces = std::max<int64_t>(1, std::min<int64_t>(at::get_num_threads(), rows / 64));
    at::Tensor dx = at::empty_like(x), partial = at::zeros({pieces, width}, x.options());
    at::parallel_for(0, pieces, 1, [&](int64_t first, int64_t last) {
      for (int64_t piece = first; piece < last; ++piece) {
        const int64_t begin = rows * piece / pieces, end = rows * (piece + 1) / pieces;
        CpuKernels().rms_norm_backward(In(dy) + begin * width, In(x) + begin * width, In(weight),
                                       In(inverse_rms) + begin, Out(dx) + begin * width, Out(partial) + piece * width,
                                       end - begin, width);
      }
    });
    return {dx, partial.sum(0), Variable()};
  }
};

class SwiGluFunction : public torch::autograd::Function<SwiGluFunction> {
 public:
  static at::Tensor Compute(const at::Tensor& gate_up) {
    const int64_t rows = gate_up.size(0), width = gate_up.size(1) / 2;
    at::Tensor y = at::empty({rows, width}, gate_up.options());
    at::parallel_for(0, rows, GrainRows(width), [&](int64_t begin, int64_t end) {
      const int64_t in = begin * 2 * width, out = begin * width;
      if (IsHalf(gate_up)) {
        CpuKernels().swiglu_bf16(Bits(gate_up) + in, Bits(y) + out, end - begin, width);
      } else {
        CpuKernels().swiglu(In(gate_up) + in, Out(y) + out, end - begin, width);
      }
    });
    return y;
  }

  static at::Tensor forward(AutogradContext* context, const Variable& gate_up) {
    context->save_for_backward({gate_up});
    return Compute(gate_up);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const at::Tensor gate_up = context->get_saved_variables()[0];
    const at::Tensor dy = gradients[0].contiguous();
    const int64_t width = dy.size(1);
    at::Tensor d_gate_up = at::empty_like(gate_up);
    at::parallel_for(0, dy.size(0), GrainRows(width), [&](int64_t begin, int64_t end) {
      const int64_t in = begin * 2 * width, out = begin * width;
      if (IsHalf(gate_up)) {
        CpuKernels().swiglu_backward_bf16(Bits(dy) + out, Bits(gate_up) + in, Bits(d_gate_up) + in, end - begin, width);
      } else {
        CpuKernels().swiglu_backward(In(dy) + out, In(gate_up) + in, Out(d_gate_up) + in, end - begin, width);
      }
    });
    return {d_gate_up};
  }
};

at::Tensor Rotate(const at::Tensor& x, const at::Tensor& cos, const at::Tensor& sin, int64_t heads, int64_t head_dim,
                  float sign) {
  const int64_t width = x.size(1);
  at::Tensor y = at::empty_like(x);
  at::parallel_for(0, x.size(0), GrainRows(width), [&](int64_t begin, int64_t end) {
    const int64_t angle = begin * head_dim / 2;
    CpuKernels().rotary(In(x) + begin * width, In(cos) + angle, In(sin) + angle, Out(y) + begin * width, end - begin,
                        heads, head_dim, width, sign);
  });
  return y;
}

class RotaryFunction : public torch::autograd::Function<RotaryFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const Variable& qkv, const at::Tensor& cos, const at::Tensor& sin,
                            int64_t heads, int64_t head_dim) {
    context->save_for_backward({cos, sin});
    context->saved_data["heads"] = heads;
    context->saved_data["head_dim"] = head_dim;
    return Rotate(qkv, cos, sin, heads, head_dim, 1.0f);
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    return {Rotate(gradients[0].contiguous(), saved[0], saved[1], context->saved_data["heads"].toInt(),
                   context->saved_data["head_dim"].toInt(), -1.0f),
            Variable(), Variable(), Variable(), Variable()};
  }
};

// x·weightᵀ of few rows, the columns divided among the threads.
at::Tensor SkinnyLinear(const at::Tensor& x, const at::Tensor& weight) {
  const int64_t rows = x.size(0), columns = weight.size(0), depth = weight.size(1);
  at::Tensor y = at::empty({rows, columns}, x.options());
  at::parallel_for(0, (columns + 3) / 4, std::max<int64_t>(4, 8192 / depth), [&](int64_t begin, int64_t end) {
    const int64_t first = begin * 4, last = std::min(end * 4, columns);
    if (weight.scalar_type() == at::kBFloat16) {
      const auto* bits = reinterpret_cast<const uint16_t*>(weight.data_ptr<at::BFloat16>());
      CpuKernels().skinny_linear_bf16(In(x), bits, Out(y), rows, depth, first, last, columns);
    } else {
      CpuKernels().skinny_linear(In(x), In(weight), Out(y), rows, depth, first, last, columns);
    }
  });
  return y;
}

// x·weightᵀ of fp32 rows and bf16 weights: rounds the rows, multiplies in bf16, widens the product.
class MixedLinearFunction : public torch::autograd::Function<MixedLinearFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const Variable& x, const Variable& weight) {
    const at::Tensor rounded = x.to(at::kBFloat16);
    context->save_for_backward({rounded, weight});
    return at::mm(rounded, weight.t()).to(at::kFloat);
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor dy = gradients[0].to(at::kBFloat16);
    return {at::mm(dy, saved[1]).to(at::kFloat), at::mm(dy.t(), saved[0])};
  }
};

}  // namespace

at::Tensor RmsNorm(const at::Tensor& x_ND, const at::Tensor& weight_D, double eps) {
  if (!RunsKernels(x_ND) || !RunsKernels(weight_D)) return reference::RmsNorm(x_ND, weight_D, eps);
  const at::Tensor x = x_ND.contiguous();
  if (!Records(x) && !Records(weight_D)) return RmsNormFunction::Compute(x, weight_D, eps, nullptr);
  return RmsNormFunction::apply(x, weight_D, eps);
}

at::Tensor Linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const bool mixed = x.scalar_type() == at::kFloat && weight.scalar_type() == at::kBFloat16;
  const bool recorded = Records(x) || Records(weight);
  if (!recorded && x.size(0) <= kSkinnyRows && RunsKernels(x) && (mixed || RunsKernels(weight)) &&
      weight.is_contiguous()) {
    const at::Tensor y = SkinnyLinear(x.contiguous(), weight);
    return bias.defined() ? y.add_(bias) : y;
  }
  if (!mixed) return bias.defined() ? at::addmm(bias, x, weight.t()) : at::mm(x, weight.t());
  const at::Tensor y =
      recorded ? MixedLinearFunction::apply(x, weight) : at::mm(x.to(at::kBFloat16), weight.t()).to(at::kFloat);
  return bias.defined() ? y + bias : y;
}

at::Tensor SwiGlu(const at::Tensor& gate_up) {
  const bool known = RunsKernels(gate_up) || (gate_up.device().is_cpu() && IsHalf(gate_up));
  if (!known) return reference::SwiGlu(gate_up);
  const at::Tensor x = gate_up.contiguous();
  return Records(x) ? SwiGluFunction::apply(x) : SwiGluFunction::Compute(x);
}

at::Tensor Rotary(const at::Tensor& qkv_NC, const at::Tensor& cos, const at::Tensor& sin, const HeadLayout& layout) {
  if (!RunsKernels(qkv_NC)) return reference::Rotary(qkv_NC, cos, sin, layout);
  const at::Tensor x = qkv_NC.contiguous();
  const int64_t heads = layout.heads + layout.kv_heads;
  if (!Records(x)) return Rotate(x, cos, sin, heads, layout.head_dim, 1.0f);
  return RotaryFunction::apply(x, cos, sin, heads, layout.head_dim);
}

}  // namespace jade::backbone
