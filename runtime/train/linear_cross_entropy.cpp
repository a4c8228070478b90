#include "runtime/train/linear_cross_entropy.h"

#include <algorithm>

#include "runtime/backbone/logit_rows.h"
#include "runtime/backbone/master_gradient.h"
#include "runtime/backbone/tile_product.h"

namespace jade::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

at::Tensor BlockLogits(const at::Tensor& hidden, const at::Tensor& head) {
  return backbone::Product(hidden.to(head.scalar_type()), head.t());
}

// Turns logits into the gradient of Σ weight · cross-entropy with respect to them, weight · (softmax − onehot), in
// place, and returns that sum.
double LossAndGradient(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights) {
  const int64_t rows = logits.size(0);
  if (!logits.device().is_cpu()) {
    const at::Tensor target = targets.unsqueeze(1), weight = weights.unsqueeze(1);
    at::Tensor wide = logits.to(at::kFloat);
    const at::Tensor log_sum = wide.logsumexp(1, /*keepdim=*/true);
    const double loss = ((log_sum - wide.gather(1, target)) * weight).sum().item<double>();
    logits = wide.sub_(log_sum).exp_().mul_(weight).scatter_add_(1, target, -weight).to(logits.scalar_type());
    return loss;
  }
  at::Tensor losses = at::empty({rows}, at::kDouble);
  at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float weight = weights.data_ptr<float>()[r];
      const float loss = backbone::LogitRow(logits, r).CrossEntropyGradient(targets.data_ptr<int64_t>()[r], weight);
      losses.data_ptr<double>()[r] = static_cast<double>(weight) * loss;
    }
  });
  return losses.sum().item<double>();
}

// The gradient of a head: a sum over blocks, in fp32.
class HeadGradient {
 public:
  explicit HeadGradient(const at::Tensor& head) : head_(head) {}

  void Add(const at::Tensor& logits_grad, const at::Tensor& x) {
    const bool first = !sum_.defined();
    if (first) sum_ = at::empty(head_.sizes(), head_.options().dtype(at::kFloat));
    backbone::ProductInto(logits_grad.t(), x.to(head_.scalar_type()), sum_, !first);
  }
  const at::Tensor& sum() const { return sum_; }

 private:
  const at::Tensor& head_;
  at::Tensor sum_;  // undefined before the first block
};

at::Tensor Scaled(const at::Tensor& gradient, double scale) {
  return scale == 1.0 || !gradient.defined() ? gradient : gradient * scale;
}

struct CrossEntropyFunction : public Function<CrossEntropyFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& head,
                            const at::Tensor& targets, const at::Tensor& weights) {
    const int64_t rows = hidden.size(0), block = backbone::LogitBlockRows(head);
    const at::Tensor hidden_grad = hidden.requires_grad() ? at::empty_like(hidden) : at::Tensor();
    HeadGradient head_grad(head);
    double total = 0;
    for (int64_t begin = 0; begin < rows; begin += block) {
      const int64_t end = std::min(begin + block, rows);
      const at::Tensor x = hidden.slice(0, begin, end);
      at::Tensor logits = BlockLogits(x, head);
      total += LossAndGradient(logits, targets.slice(0, begin, end), weights.slice(0, begin, end));
      if (hidden_grad.defined()) hidden_grad.slice(0, begin, end).copy_(backbone::Product(logits, head));
      if (head.requires_grad()) head_grad.Add(logits, x);
    }
    if (const backbone::MasterGradientPtr master = backbone::MasterGradient::Behind(head)) {
      context->saved_data["master"] = backbone::MasterGradient::ToValue(master);
    }
    context->saved_data["type"] = static_cast<int64_t>(head.scalar_type());
    context->save_for_backward({hidden_grad, head_grad.sum()});
    return at::full({}, total, hidden.options().dtype(at::kFloat));
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const variable_list saved = context->get_saved_variables();
    const double scale = upstream[0].item<double>();
    variable_list result(4);
    result[0] = Scaled(saved[0], scale);
    if (!saved[1].defined()) return result;
    const auto master = context->saved_data.find("master");
    if (master != context->saved_data.end()) {
      backbone::MasterGradient::FromValue(master->second)->Add(Scaled(saved[1], scale));
    } else {
      result[1] = Scaled(saved[1], scale).to(static_cast<at::ScalarType>(context->saved_data["type"].toInt()));
    }
    return result;
  }
};

}  // namespace

at::Tensor LinearCrossEntropy(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M,
                              const at::Tensor& weights_M) {
  return CrossEntropyFunction::apply(hidden_MD.contiguous(), head_VD, targets_M.contiguous(), weights_M.contiguous());
}

RowScores ScoreRows(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M) {
  const at::NoGradGuard no_grad;
  const int64_t rows = hidden_MD.size(0);
  const int64_t block = backbone::LogitBlockRows(head_VD);
  RowScores scores{at::empty({rows}, hidden_MD.options().dtype(at::kFloat)),
                   at::empty({rows}, hidden_MD.options().dtype(at::kBool))};
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t end = std::min(begin + block, rows);
    const at::Tensor logits = BlockLogits(hidden_MD.slice(0, begin, end), head_VD).to(at::kFloat);
    const at::Tensor target = targets_M.slice(0, begin, end);
    const at::Tensor chosen = logits.gather(1, target.unsqueeze(1)).squeeze(1);
    scores.loss_M.slice(0, begin, end).copy_(logits.logsumexp(1) - chosen);
    scores.correct_M.slice(0, begin, end).copy_(logits.argmax(1).eq(target));
  }
  return scores;
}

}  // namespace jade::train
