#include <algorithm>
#include <cmath>

#include "runtime/backbone/fused_ops.h"
#include "runtime/backbone/logit_rows.h"
#include "runtime/backbone/master_gradient.h"
#include "runtime/backbone/tile_product.h"

namespace jade::backbone {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Up to so many bytes of logits are kept for the backward pass; more are computed again.
constexpr int64_t kKeptBytes = int64_t{1} << 27;

// hidden[begin … begin + rows of out]·headᵀ.
void Multiply(const at::Tensor& hidden, const at::Tensor& head, int64_t begin, const at::Tensor& out) {
  ProductInto(hidden.narrow(0, begin, out.size(0)).to(head.scalar_type()), head.t(), out);
}

class TokenLogProbsFunction : public torch::autograd::Function<TokenLogProbsFunction> {
 public:
  static at::Tensor forward(AutogradContext* context, const Variable& hidden, const Variable& head,
                            const at::Tensor& targets) {
    const int64_t rows = hidden.size(0), vocabulary = head.size(0), block = LogitBlockRows(head);
    const bool recorded = hidden.requires_grad() || head.requires_grad();
    const bool keep = recorded && rows * vocabulary * static_cast<int64_t>(head.element_size()) <= kKeptBytes;
    const at::Tensor logits = at::empty({keep ? rows : std::min(rows, block), vocabulary}, head.options());
    const at::Tensor log_sum = at::empty({rows}, at::kFloat), log_probs = at::empty({rows}, at::kFloat);
    for (int64_t begin = 0; begin < rows; begin += block) {
      const int64_t count = std::min(block, rows - begin);
      const at::Tensor part = logits.narrow(0, keep ? begin : 0, count);
      Multiply(hidden, head, begin, part);
      at::parallel_for(0, count, 8, [&](int64_t first, int64_t last) {
        for (int64_t r = first; r < last; ++r) {
          const LogitRow row(part, r);
          const float sum = row.LogSumExp();
          log_sum.data_ptr<float>()[begin + r] = sum;
          log_probs.data_ptr<float>()[begin + r] = row.At(targets.data_ptr<int64_t>()[begin + r]) - sum;
        }
      });
    }
    if (const MasterGradientPtr gradient = MasterGradient::Behind(head)) {
      context->saved_data["gradient"] = MasterGradient::ToValue(gradient);
    }
    context->saved_data["hidden"] = hidden.requires_grad();
    context->saved_data["head"] = head.requires_grad();
    context->save_for_backward({hidden, head, targets, log_sum, log_probs, keep ? logits : at::Tensor()});
    return log_probs;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor hidden = saved[0].detach(), head = saved[1].detach();
    const at::Tensor gradient = gradients[0].to(at::kFloat).contiguous();
    const int64_t rows = hidden.size(0), vocabulary = head.size(0), block = LogitBlockRows(head);
    const bool head_wanted = context->saved_data["head"].toBool();
    const auto to_master = context->saved_data.find("gradient");
    const bool direct = head_wanted && to_master != context->saved_data.end();
    const at::Tensor d_hidden = context->saved_data["hidden"].toBool() ? at::empty_like(hidden) : at::Tensor();
    at::Tensor d_head = head_wanted && !direct ? at::empty(head.sizes(), at::kFloat) : at::Tensor();
    const at::Tensor buffer = at::empty({std::min(rows, block), vocabulary}, head.options());
    for (int64_t begin = 0; begin < rows; begin += block) {
      const int64_t count = std::min(block, rows - begin);
      const at::Tensor d_logits = buffer.narrow(0, 0, count);
      DifferentiateLogits(saved, gradient, begin, d_logits);
      if (d_hidden.defined()) d_hidden.narrow(0, begin, count).copy_(Product(d_logits, head));
      if (!head_wanted) continue;
      const at::Tensor x = hidden.narrow(0, begin, count).to(head.scalar_type());
      if (direct) {
        MasterGradient::FromValue(to_master->second)->AddProduct(d_logits.t(), x);
      } else {
        ProductInto(d_logits.t(), x, d_head, begin > 0);
      }
    }
    return {d_hidden, d_head.defined() ? d_head.to(head.scalar_type()) : d_head, Variable()};
  }

 private:
  // d_logits: the gradient of rows [begin, …) of logits, gradient · (onehot − softmax).
  static void DifferentiateLogits(const variable_list& saved, const at::Tensor& gradient, int64_t begin,
                                  const at::Tensor& d_logits) {
    const at::Tensor &targets = saved[2], &log_sum = saved[3], &log_probs = saved[4], &kept = saved[5];
    const int64_t count = d_logits.size(0);
    const at::Tensor logits = kept.defined() ? kept.narrow(0, begin, count) : d_logits;
    if (!kept.defined()) Multiply(saved[0].detach(), saved[1].detach(), begin, d_logits);
    at::parallel_for(0, count, 8, [&](int64_t first, int64_t last) {
      for (int64_t r = first; r < last; ++r) {
        const float g = gradient.data_ptr<float>()[begin + r];
        const LogitRow to(d_logits, r);
        LogitRow(logits, r).ScaledSoftmax(log_sum.data_ptr<float>()[begin + r], -g, to);
        const float probability = std::exp(log_probs.data_ptr<float>()[begin + r]);
        to.Set(targets.data_ptr<int64_t>()[begin + r], g - g * probability);
      }
    });
  }
};

}  // namespace

at::Tensor TokenLogProbs(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M) {
  if (!hidden_MD.device().is_cpu()) return reference::TokenLogProbs(hidden_MD, head_VD, targets_M);
  return TokenLogProbsFunction::apply(hidden_MD.contiguous(), head_VD.contiguous(), targets_M.contiguous());
}

}  // namespace jade::backbone
