// Attention within packed sequences: which task goes to which thread, and the backward passes.
#include <algorithm>
#include <atomic>
#include <cmath>

#include "compiler/result/check.h"
#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/tile_kernels.h"
#include "runtime/backbone/tile_product.h"
#include "runtime/backbone/training_ops.h"

namespace jade::backbone {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

const float* In(const at::Tensor& t) {
  return t.data_ptr<float>();
}
float* Out(const at::Tensor& t) {
  return t.data_ptr<float>();
}

// A key head of a sequence.
struct KeyHead {
  int64_t sequence = 0, first = 0, length = 0;  // the sequence's first row, and its rows
  int64_t head = 0;
  int64_t longest = 0;  // rows of the longest sequence
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
      body({s, cu_seqlens[static_cast<size_t>(s)], length(s), item % layout.kv_heads, longest}, &scratch);
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

// Of a sequence's queries, those that another one answers.
int64_t KnownOf(const SharedRows* shared, const KeyHead& of) {
  return shared == nullptr ? 0 : shared->known_S[static_cast<size_t>(of.sequence)];
}

int64_t BlockFloats(int64_t tokens, int64_t head_dim) {
  return (tokens + kBlockTokens - 1) / kBlockTokens * kBlockTokens * head_dim;
}

// `qkv` is the sequence's first row; queries before `known` are left out.
AttentionTask MakeTask(const float* qkv, const HeadLayout& layout, const KeyHead& of, int64_t known) {
  AttentionTask task;
  task.head_dim = layout.head_dim;
  task.queries = of.length - known;
  task.first_position = known;
  task.group = layout.heads / layout.kv_heads;
  task.scale = 1.0f / std::sqrt(static_cast<float>(layout.head_dim));
  task.q = qkv + known * layout.joint_width() + of.head * task.group * layout.head_dim;
  task.q_stride = layout.joint_width();
  task.v_stride = layout.joint_width();
  task.out_stride = layout.q_width();
  return task;
}

class PackedAttentionFunction : public torch::autograd::Function<PackedAttentionFunction> {
 public:
  // log_sum [K][N][group], when wanted. With shared rows, those of copies are left as they are.
  static at::Tensor Compute(const at::Tensor& qkv, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout,
                            at::Tensor* log_sum, const SharedRows* shared = nullptr) {
    const int64_t rows = qkv.size(0), group = layout.heads / layout.kv_heads;
    at::Tensor out = at::empty({rows, layout.q_width()}, qkv.options());
    if (log_sum != nullptr) *log_sum = at::empty({layout.kv_heads, rows, group}, qkv.options());
    ForEachKeyHead(cu_seqlens, layout, [&](const KeyHead& of, std::vector<float>* scratch) {
      const int64_t known = KnownOf(shared, of), first_query = of.first + known;
      if (known == of.length) return;
      const int64_t block_floats = BlockFloats(of.longest, layout.head_dim);
      scratch->resize(static_cast<size_t>(block_floats + AttentionScratch(layout.head_dim, of.longest)));
      const float* base = In(qkv) + of.first * layout.joint_width();
      const float* k = base + layout.q_width() + of.head * layout.head_dim;
      HeadBlocks keys, values;
      keys.Transpose(k, layout.joint_width(), of.length, layout.head_dim, scratch->data());
      values.Locate(k + layout.kv_width(), kBlockTokens * layout.joint_width(), of.length);
      AttentionTask task = MakeTask(base, layout, of, known);
      task.k_blocks = keys.addresses.data();
      task.v_blocks = values.addresses.data();
      task.out = Out(out) + first_query * layout.q_width() + of.head * group * layout.head_dim;
      task.log_sum = log_sum == nullptr ? nullptr : Out(*log_sum) + (of.head * rows + first_query) * group;
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

  // All fp32; what Compute made of qkv. Returns the gradient of qkv.
  static at::Tensor ComputeBackward(const at::Tensor& qkv, const at::Tensor& out, const at::Tensor& log_sum,
                                    const at::Tensor& d_out, const std::vector<int64_t>& cu_seqlens,
                                    const HeadLayout& layout, const SharedRows* shared = nullptr) {
    const int64_t rows = qkv.size(0), group = layout.heads / layout.kv_heads;
    at::Tensor d_qkv = at::zeros_like(qkv);
    ForEachKeyHead(cu_seqlens, layout, [&](const KeyHead& of, std::vector<float>* scratch) {
      const int64_t known = KnownOf(shared, of), first_query = of.first + known;
      if (known == of.length) return;
      const int64_t block_floats = BlockFloats(of.longest, layout.head_dim);
      scratch->resize(static_cast<size_t>(2 * block_floats + AttentionBackwardScratch(layout.head_dim, of.longest)));
      const int64_t row = of.first * layout.joint_width(), key = layout.q_width() + of.head * layout.head_dim;
      const int64_t out_offset = first_query * layout.q_width() + of.head * group * layout.head_dim;
      AttentionBackwardTask task;
      task.forward = MakeTask(In(qkv) + row, layout, of, known);
      task.k = In(qkv) + row + key;
      task.k_stride = layout.joint_width();
      HeadBlocks keys, values;
      keys.Transpose(task.k, task.k_stride, of.length, layout.head_dim, scratch->data());
      values.Transpose(task.k + layout.kv_width(), task.k_stride, of.length, layout.head_dim,
                       scratch->data() + block_floats);
      task.forward.k_blocks = keys.addresses.data();
      task.vt_blocks = values.addresses.data();
      task.forward.out = Out(out) + out_offset;
      task.forward.log_sum = Out(log_sum) + (of.head * rows + first_query) * group;
      task.forward.scratch = scratch->data() + 2 * block_floats;
      task.d_out = In(d_out) + out_offset;
      task.d_q = Out(d_qkv) + first_query * layout.joint_width() + of.head * group * layout.head_dim;
      task.d_k = Out(d_qkv) + row + key;
      task.d_v = task.d_k + layout.kv_width();
      CpuKernels().attention_backward(task);
    });
    return d_qkv;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const std::vector<int64_t> shape = context->saved_data["layout"].toIntVector();
    const at::Tensor d_qkv =
        ComputeBackward(saved[0], saved[1], saved[2], gradients[0].contiguous(),
                        context->saved_data["cu_seqlens"].toIntVector(), {shape[0], shape[1], shape[2]});
    return {d_qkv, Variable(), Variable(), Variable(), Variable()};
  }
};

// Rotates the q and k heads of fp32 rows where they lie; sign -1 rotates back.
void RotateInPlace(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const HeadLayout& layout,
                   float sign) {
  const int64_t width = qkv.size(1), half = layout.head_dim / 2;
  at::parallel_for(0, qkv.size(0), 16, [&](int64_t begin, int64_t end) {
    float* rows = Out(qkv) + begin * width;
    CpuKernels().rotary(rows, In(cos) + begin * half, In(sin) + begin * half, rows, end - begin,
                        layout.heads + layout.kv_heads, layout.head_dim, width, sign);
  });
}

// A copy of fp32 or bf16 rows, in fp32.
at::Tensor Widened(const at::Tensor& rows) {
  const at::Tensor wide = at::empty(rows.sizes(), rows.options().dtype(at::kFloat));
  CopyConverted(rows, wide);
  return wide;
}

at::Tensor As(at::ScalarType type, const at::Tensor& rows) {
  if (rows.scalar_type() == type) return rows;
  const at::Tensor converted = at::empty(rows.sizes(), rows.options().dtype(type));
  CopyConverted(rows, converted);
  return converted;
}

// On the processor's matrix tiles, whatever part of the batch.
class TileAttentionPass {
 public:
  TileAttentionPass(const at::Tensor& qkv, const at::Tensor& cos, const at::Tensor& sin, const at::Tensor& out,
                    const at::Tensor& log_sum, const HeadLayout& layout)
      : qkv_(qkv), cos_(cos), sin_(sin), out_(out), log_sum_(log_sum), layout_(layout) {}

  static bool Takes(const at::Tensor& qkv, const HeadLayout& layout) {
    return qkv.scalar_type() == at::kBFloat16 && layout.head_dim % 32 == 0 && layout.head_dim <= kMostTileHead &&
           UsesTiles();
  }

  void Forward(const std::vector<int64_t>& cu_seqlens) const {
    Run(cu_seqlens, TileAttentionScratch, [](const TileAttention& task, void* scratch) { AttendTiles(task, scratch); });
  }
  void Backward(const std::vector<int64_t>& cu_seqlens, const at::Tensor& d_out, const at::Tensor& d_qkv) const {
    Run(cu_seqlens, TileAttentionBackwardScratch, [&](TileAttention task, void* scratch) {
      task.d_out = Bits(d_out) + (task.out - Bits(out_));
      task.d_q = Bits(d_qkv) + (task.q - Bits(qkv_));
      task.d_k = Bits(d_qkv) + (task.k - Bits(qkv_));
      task.d_v = Bits(d_qkv) + (task.v - Bits(qkv_));
      AttendTilesBackward(task, scratch);
    });
  }

 private:
  static uint16_t* Bits(const at::Tensor& t) { return reinterpret_cast<uint16_t*>(t.data_ptr<at::BFloat16>()); }

  template <typename Body>
  void Run(const std::vector<int64_t>& cu_seqlens, int64_t (*scratch_bytes)(int64_t, int64_t, int64_t),
           Body body) const {
    const int64_t rows = qkv_.size(0), e = layout_.head_dim, group = layout_.heads / layout_.kv_heads;
    ForEachKeyHead(cu_seqlens, layout_, [&](const KeyHead& of, std::vector<float>* scratch) {
      scratch->resize(static_cast<size_t>(scratch_bytes(e, of.longest, group) / 4 + kAligned));
      TileAttention task{.head_dim = e, .tokens = of.length, .group = group};
      task.scale = 1.0f / std::sqrt(static_cast<float>(e));
      const uint16_t* row = Bits(qkv_) + of.first * layout_.joint_width();
      task.q = row + of.head * group * e;
      task.k = row + layout_.q_width() + of.head * e;
      task.v = task.k + layout_.kv_width();
      task.stride = layout_.joint_width();
      task.cos = In(cos_) + of.first * e / 2;
      task.sin = In(sin_) + of.first * e / 2;
      task.out = Bits(out_) + of.first * layout_.q_width() + of.head * group * e;
      task.out_stride = layout_.q_width();
      task.log_sum = Out(log_sum_) + (of.head * rows + of.first) * group;
      const auto address = reinterpret_cast<uintptr_t>(scratch->data());
      body(task, reinterpret_cast<void*>((address + 63) / 64 * 64));
    });
  }

  static constexpr int64_t kAligned = 16;  // floats that aligning the scratch may cost

  const at::Tensor &qkv_, &cos_, &sin_, &out_, &log_sum_;
  const HeadLayout& layout_;
};

// Null, or rows of which sequences share some: as an operator can keep them.
struct SharedHolder final : public torch::CustomClassHolder {
  explicit SharedHolder(std::shared_ptr<const SharedRows> of) : rows(std::move(of)) {}
  std::shared_ptr<const SharedRows> rows;
};

// Rotated heads are not kept: they are made again from what the projection gave. Nor are copies of rows that are
// shared.
class RotaryAttentionFunction : public torch::autograd::Function<RotaryAttentionFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const Variable& qkv_rows, const at::Tensor& cos,
                            const at::Tensor& sin, const std::vector<int64_t>& cu_seqlens,
                            const std::vector<int64_t>& shape, const c10::intrusive_ptr<SharedHolder>& holder) {
    const HeadLayout layout{shape[0], shape[1], shape[2]};
    const SharedRows* shared = holder->rows.get();
    const at::Tensor qkv = shared == nullptr ? qkv_rows : ExpandRows(qkv_rows, *shared);
    at::Tensor out, log_sum;
    if (TileAttentionPass::Takes(qkv, layout)) {
      out = at::empty({qkv.size(0), layout.q_width()}, qkv.options());
      log_sum = at::empty({layout.heads, qkv.size(0)}, at::kFloat);
      TileAttentionPass(qkv, cos, sin, out, log_sum, layout).Forward(cu_seqlens);
    } else {
      const at::Tensor rotated = Widened(qkv);
      RotateInPlace(rotated, cos, sin, layout, 1.0f);
      out = As(qkv.scalar_type(), PackedAttentionFunction::Compute(rotated, cu_seqlens, layout, &log_sum, shared));
    }
    if (shared != nullptr) out = PickRows(out, *shared);
    context->save_for_backward({qkv_rows, cos, sin, out, log_sum});
    context->saved_data["cu_seqlens"] = cu_seqlens;
    context->saved_data["layout"] = shape;
    context->saved_data["shared"] = c10::IValue::make_capsule(holder);
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const auto holder = c10::static_intrusive_pointer_cast<SharedHolder>(context->saved_data["shared"].toCapsule());
    const SharedRows* shared = holder->rows.get();
    const auto whole = [&](const at::Tensor& rows) { return shared == nullptr ? rows : ExpandRows(rows, *shared); };
    const at::Tensor qkv = whole(saved[0]), &cos = saved[1], &sin = saved[2], out = whole(saved[3]),
                     &log_sum = saved[4];
    const std::vector<int64_t> shape = context->saved_data["layout"].toIntVector();
    const std::vector<int64_t> cu_seqlens = context->saved_data["cu_seqlens"].toIntVector();
    const HeadLayout layout{shape[0], shape[1], shape[2]};
    at::Tensor d_out = gradients[0].contiguous();
    // What a shared row is asked for, its first token is: the copies have keys and values only.
    if (shared != nullptr) d_out = ScatterFirst(d_out, *shared);
    at::Tensor d_qkv;
    if (TileAttentionPass::Takes(qkv, layout)) {
      d_qkv = at::empty(qkv.sizes(), qkv.options());
      TileAttentionPass(qkv, cos, sin, out, log_sum, layout).Backward(cu_seqlens, d_out, d_qkv);
      if (shared != nullptr) d_qkv = SumRows(d_qkv, *shared);
    } else {
      const at::Tensor rotated = Widened(qkv);
      RotateInPlace(rotated, cos, sin, layout, 1.0f);
      d_qkv = PackedAttentionFunction::ComputeBackward(rotated, As(at::kFloat, out), log_sum, As(at::kFloat, d_out),
                                                       cu_seqlens, layout, shared);
      RotateInPlace(d_qkv, cos, sin, layout, -1.0f);
      if (shared != nullptr) d_qkv = SumRows(d_qkv, *shared);
      d_qkv = As(qkv.scalar_type(), d_qkv);
    }
    return {d_qkv, Variable(), Variable(), Variable(), Variable(), Variable()};
  }
};

}  // namespace

at::Tensor PackedAttention(const at::Tensor& qkv_NC, const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout) {
  JADE_CHECK(qkv_NC.device().is_cpu(), "elsewhere GridAttention attends");
  // bf16 is widened for the scores and sums and rounded once, at the end.
  const at::Tensor x = qkv_NC.to(at::kFloat).contiguous();
  const bool records = at::GradMode::is_enabled() && x.requires_grad();
  const at::Tensor out =
      records ? PackedAttentionFunction::apply(x, cu_seqlens, layout.heads, layout.kv_heads, layout.head_dim)
              : PackedAttentionFunction::Compute(x, cu_seqlens, layout, nullptr);
  return out.to(qkv_NC.scalar_type());
}

at::Tensor RotaryAttention(const at::Tensor& qkv_NC, const at::Tensor& cos, const at::Tensor& sin,
                           const std::vector<int64_t>& cu_seqlens, const HeadLayout& layout,
                           const std::shared_ptr<const SharedRows>& shared) {
  return RotaryAttentionFunction::apply(qkv_NC.contiguous(), cos, sin, cu_seqlens,
                                        std::vector<int64_t>{layout.heads, layout.kv_heads, layout.head_dim},
                                        c10::make_intrusive<SharedHolder>(shared));
}

}  // namespace jade::backbone
