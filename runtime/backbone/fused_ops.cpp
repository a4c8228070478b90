#include "runtime/backbone/fused_ops.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

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
      CpuKernels().swiglu(In(gate_up) + begin * 2 * width, Out(y) + begin * width, end - begin, width);
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
      CpuKernels().swiglu_backward(In(dy) + begin * width, In(gate_up) + begin * 2 * width,
                                   Out(d_gate_up) + begin * 2 * width, end - begin, width);
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

// The (sequence, key head) pairs of a batch, longest sequences first, handed to whichever thread is free. Each writes
// its own part of the result, so the order does not matter.
template <typename Body>
void ForEachKeyHead(const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout, Body body) {
  std::vector<int64_t> order;
  for (size_t s = 0; s + 1 < cu_seqlens.size(); ++s) {
    if (cu_seqlens[s + 1] > cu_seqlens[s]) order.push_back(static_cast<int64_t>(s));
  }
  const auto length = [&](int64_t s) {
    return cu_seqlens[static_cast<size_t>(s) + 1] - cu_seqlens[static_cast<size_t>(s)];
  };
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return length(a) > length(b); });
  if (order.empty()) return;
  const int64_t longest = length(order.front());
  const int64_t items = static_cast<int64_t>(order.size()) * layout.kv_heads;
  std::atomic<int64_t> next{0};
  const int64_t threads = std::min<int64_t>(at::get_num_threads(), items);
  at::parallel_for(0, threads, 1, [&](int64_t, int64_t) {
    std::vector<float> scratch;
    for (int64_t item = next++; item < items; item = next++) {
      const int64_t s = order[static_cast<size_t>(item / layout.kv_heads)];
      body(cu_seqlens[static_cast<size_t>(s)], length(s), item % layout.kv_heads, longest, &scratch);
    }
  });
}

// The transposed blocks of one head of a sequence, and the addresses a task needs.
struct HeadBlocks {
  std::vector<const float*> addresses;
  void Transpose(const float* x, int64_t stride, int64_t tokens, int64_t head_dim, float* storage) {
    CpuKernels().transpose_blocks(x, stride, tokens, head_dim, storage);
    Locate(storage, head_dim * kBlockTokens, tokens);
  }
  void Locate(const float* first, int64_t step, int64_t tokens) {
    addresses.clear();
    for (int64_t t = 0; t < tokens; t += kBlockTokens, first += step) addresses.push_back(first);
  }
};

int64_t BlockFloats(int64_t tokens, int64_t head_dim) {
  return (tokens + kBlockTokens - 1) / kBlockTokens * kBlockTokens * head_dim;
}

AttentionTask MakeTask(const float* qkv, const HeadLayout& layout, int64_t kv_head, int64_t length) {
  AttentionTask task;
  task.head_dim = layout.head_dim;
  task.queries = length;
  task.group = layout.heads / layout.kv_heads;
  task.scale = 1.0f / std::sqrt(static_cast<float>(layout.head_dim));
  task.q = qkv + kv_head * task.group * layout.head_dim;
  task.q_stride = layout.joint_width();
  task.v_stride = layout.joint_width();
  task.out_stride = layout.q_width();
  return task;
}

class PackedAttentionFunction : public torch::autograd::Function<PackedAttentionFunction> {
 public:
  // log_sum [K][N][group], when wanted.
  static at::Tensor Compute(const at::Tensor& qkv, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout,
                            at::Tensor* log_sum) {
    const int64_t rows = qkv.size(0), group = layout.heads / layout.kv_heads;
    at::Tensor out = at::empty({rows, layout.q_width()}, qkv.options());
    if (log_sum != nullptr) *log_sum = at::empty({layout.kv_heads, rows, group}, qkv.options());
    ForEachKeyHead(cu_seqlens, layout,
                   [&](int64_t first, int64_t length, int64_t head, int64_t longest, std::vector<float>* scratch) {
                     const int64_t block_floats = BlockFloats(longest, layout.head_dim);
                     scratch->resize(static_cast<size_t>(block_floats + AttentionScratch(layout.head_dim, longest)));
                     const float* base = In(qkv) + first * layout.joint_width();
                     const float* k = base + layout.q_width() + head * layout.head_dim;
                     HeadBlocks keys, values;
                     keys.Transpose(k, layout.joint_width(), length, layout.head_dim, scratch->data());
                     values.Locate(k + layout.kv_width(), kBlockTokens * layout.joint_width(), length);
                     AttentionTask task = MakeTask(base, layout, head, length);
                     task.k_blocks = keys.addresses.data();
                     task.v_blocks = values.addresses.data();
                     task.out = Out(out) + first * layout.q_width() + head * group * layout.head_dim;
                     task.log_sum = log_sum == nullptr ? nullptr : Out(*log_sum) + (head * rows + first) * group;
                     task.scratch = scratch->data() + block_floats;
                     CpuKernels().attention(task);
                   });
    return out;
  }

  static at::Tensor forward(AutogradContext* context, const Variable& qkv, const std::vector<int64_t>& cu_seqlens,
                            int64_t heads, int64_t kv_heads, int64_t head_dim) {
    at::Tensor log_sum;
    at::Tensor out = Compute(qkv, cu_seqlens, {heads, kv_heads, head_dim}, &log_sum);
    context->save_for_backward({qkv, out, log_sum});
    context->saved_data["cu_seqlens"] = cu_seqlens;
    context->saved_data["layout"] = std::vector<int64_t>{heads, kv_heads, head_dim};
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &qkv = saved[0], &out = saved[1], &log_sum = saved[2];
    const at::Tensor d_out = gradients[0].contiguous();
    const std::vector<int64_t> shape = context->saved_data["layout"].toIntVector();
    const HeadLayout layout{shape[0], shape[1], shape[2]};
    const int64_t rows = qkv.size(0), group = layout.heads / layout.kv_heads;
    at::Tensor d_qkv = at::zeros_like(qkv);
    ForEachKeyHead(
        context->saved_data["cu_seqlens"].toIntVector(), layout,
        [&](int64_t first, int64_t length, int64_t head, int64_t longest, std::vector<float>* scratch) {
          const int64_t block_floats = BlockFloats(longest, layout.head_dim);
          scratch->resize(static_cast<size_t>(2 * block_floats + AttentionBackwardScratch(layout.head_dim, longest)));
          const int64_t row = first * layout.joint_width(), key = layout.q_width() + head * layout.head_dim;
          const int64_t out_offset = first * layout.q_width() + head * group * layout.head_dim;
          AttentionBackwardTask task;
          task.forward = MakeTask(In(qkv) + row, layout, head, length);
          task.k = In(qkv) + row + key;
          task.k_stride = layout.joint_width();
          HeadBlocks keys, values;
          keys.Transpose(task.k, task.k_stride, length, layout.head_dim, scratch->data());
          values.Transpose(task.k + layout.kv_width(), task.k_stride, length, layout.head_dim,
                           scratch->data() + block_floats);
          task.forward.k_blocks = keys.addresses.data();
          task.vt_blocks = values.addresses.data();
          task.forward.out = Out(out) + out_offset;
          task.forward.log_sum = Out(log_sum) + (head * rows + first) * group;
          task.forward.scratch = scratch->data() + 2 * block_floats;
          task.d_out = In(d_out) + out_offset;
          task.d_q = Out(d_qkv) + row + head * group * layout.head_dim;
          task.d_k = Out(d_qkv) + row + key;
          task.d_v = task.d_k + layout.kv_width();
          CpuKernels().attention_backward(task);
        });
    return {d_qkv, Variable(), Variable(), Variable(), Variable()};
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

// Rows of logits computed at once: a few megabytes, so that they stay in the cache between the passes.
int64_t LogitRows(int64_t vocabulary) {
  return std::clamp<int64_t>((int64_t{1} << 20) / vocabulary, 32, 1024);
}

class TokenLogProbsFunction : public torch::autograd::Function<TokenLogProbsFunction> {
 public:
  // Below this the logits are kept for the backward pass (128 MiB); above they are computed again.
  static constexpr int64_t kKeptLogits = int64_t{1} << 25;

  static at::Tensor forward(AutogradContext* context, const Variable& hidden, const Variable& head,
                            const at::Tensor& targets) {
    const int64_t rows = hidden.size(0), vocabulary = head.size(0);
    at::Tensor log_sum = at::empty({rows}, at::kFloat), log_probs = at::empty({rows}, at::kFloat);
    const bool keep = at::GradMode::is_enabled() || hidden.requires_grad() ? rows * vocabulary <= kKeptLogits : false;
    at::Tensor kept = keep ? at::empty({rows, vocabulary}, at::kFloat) : at::Tensor();
    for (int64_t begin = 0; begin < rows; begin += LogitRows(vocabulary)) {
      const int64_t count = std::min(LogitRows(vocabulary), rows - begin);
      at::Tensor logits = Multiply(hidden, head, begin, count, kept);
      at::parallel_for(0, count, 8, [&](int64_t first, int64_t last) {
        for (int64_t r = first; r < last; ++r) {
          const float* row = In(logits) + r * vocabulary;
          const float sum = CpuKernels().log_sum_exp(row, vocabulary);
          Out(log_sum)[begin + r] = sum;
          Out(log_probs)[begin + r] = row[targets.data_ptr<int64_t>()[begin + r]] - sum;
        }
      });
    }
    context->save_for_backward({hidden, head, targets, log_sum, kept});
    return log_probs;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &hidden = saved[0], &head = saved[1], &targets = saved[2], &log_sum = saved[3], &kept = saved[4];
    const at::Tensor gradient = gradients[0].to(at::kFloat).contiguous();
    const int64_t rows = hidden.size(0), vocabulary = head.size(0);
    at::Tensor d_hidden = at::empty_like(hidden), d_head = at::zeros(head.sizes(), head.options());
    for (int64_t begin = 0; begin < rows; begin += LogitRows(vocabulary)) {
      const int64_t count = std::min(LogitRows(vocabulary), rows - begin);
      at::Tensor logits = kept.defined() ? kept.narrow(0, begin, count) : Multiply(hidden, head, begin, count, kept);
      at::Tensor d_logits = at::empty({count, vocabulary}, at::kFloat);
      at::parallel_for(0, count, 8, [&](int64_t first, int64_t last) {
        for (int64_t r = first; r < last; ++r) {
          const float g = In(gradient)[begin + r];
          float* out = Out(d_logits) + r * vocabulary;
          CpuKernels().scaled_softmax(In(logits) + r * vocabulary, In(log_sum)[begin + r], -g, out, vocabulary);
          out[targets.data_ptr<int64_t>()[begin + r]] += g;
        }
      });
      const at::Tensor typed = d_logits.to(head.scalar_type());
      d_hidden.narrow(0, begin, count).copy_(at::mm(typed, head));
      d_head.addmm_(typed.t(), hidden.narrow(0, begin, count).to(head.scalar_type()));
    }
    return {d_hidden, d_head, Variable()};
  }

 private:
  static at::Tensor Multiply(const at::Tensor& hidden, const at::Tensor& head, int64_t begin, int64_t count,
                             const at::Tensor& kept) {
    const at::Tensor rows = hidden.narrow(0, begin, count).to(head.scalar_type());
    if (!kept.defined()) return at::mm(rows, head.t()).to(at::kFloat);
    at::Tensor target = kept.narrow(0, begin, count);
    if (head.scalar_type() != at::kFloat) return target.copy_(at::mm(rows, head.t()));
    return at::mm_out(target, rows, head.t());
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
  if (!RunsKernels(gate_up)) return reference::SwiGlu(gate_up);
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

at::Tensor PackedAttention(const at::Tensor& qkv_NC, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout) {
  if (!qkv_NC.device().is_cpu()) return reference::PackedAttention(qkv_NC, cu_seqlens, layout);
  // bf16 is widened for the scores and sums and rounded once, at the end.
  const at::Tensor x = qkv_NC.to(at::kFloat).contiguous();
  const at::Tensor out =
      Records(x) ? PackedAttentionFunction::apply(x, cu_seqlens, layout.heads, layout.kv_heads, layout.head_dim)
                 : PackedAttentionFunction::Compute(x, cu_seqlens, layout, nullptr);
  return out.to(qkv_NC.scalar_type());
}

at::Tensor TokenLogProbs(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M) {
  if (!hidden_MD.device().is_cpu()) return reference::TokenLogProbs(hidden_MD, head_VD, targets_M);
  return TokenLogProbsFunction::apply(hidden_MD.contiguous(), head_VD.contiguous(), targets_M.contiguous());
}

}  // namespace jade::backbone
