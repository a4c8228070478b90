#include "runtime/train/linear_cross_entropy.h"

#include <algorithm>

#include "runtime/backbone/cpu_kernels.h"

namespace jade::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

// Rows whose fp32 logits take about 4 MiB: they stay in the last-level cache between the passes over them.
int64_t BlockRows(int64_t vocabulary) {
  return std::clamp<int64_t>((1 << 20) / vocabulary, 16, 1024);
}

at::Tensor BlockLogits(const at::Tensor& hidden, const at::Tensor& head) {
  return at::matmul(hidden.to(head.scalar_type()), head.t()).to(at::kFloat);
}

// Turns fp32 logits into the gradient of Σ weight · cross-entropy with respect to them, weight · (softmax − onehot), in
// place, and returns that sum.
double LossAndGradient(at::Tensor& logits, const at::Tensor& targets, const at::Tensor& weights) {
  const int64_t rows = logits.size(0), vocabulary = logits.size(1);
  if (!logits.device().is_cpu()) {
    const at::Tensor target = targets.unsqueeze(1), weight = weights.unsqueeze(1);
    const at::Tensor log_sum = logits.logsumexp(1, /*keepdim=*/true);
    const double loss = ((log_sum - logits.gather(1, target)) * weight).sum().item<double>();
    logits.sub_(log_sum).exp_().mul_(weight).scatter_add_(1, target, -weight);
    return loss;
  }
  at::Tensor losses = at::empty({rows}, at::kDouble);
  at::parallel_for(0, rows, 8, [&](int64_t begin, int64_t end) {
    const backbone::KernelTable& kernels = backbone::CpuKernels();
    for (int64_t r = begin; r < end; ++r) {
      float* row = logits.data_ptr<float>() + r * vocabulary;
      const float weight = weights.data_ptr<float>()[r];
      float& chosen = row[targets.data_ptr<int64_t>()[r]];
      const float log_sum = kernels.log_sum_exp(row, vocabulary);
      losses.data_ptr<double>()[r] = static_cast<double>(weight) * (log_sum - chosen);
      kernels.scaled_softmax(row, log_sum, weight, row, vocabulary);
      chosen -= weight;
    }
  });
  return losses.sum().item<double>();
}

struct CrossEntropyFunction : public Function<CrossEntropyFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& head,
                            const at::Tensor& targets, const at::Tensor& weights) {
    const int64_t rows = hidden.size(0);
    const int64_t block = BlockRows(head.size(0));
    at::Tensor hidden_grad = at::empty_like(hidden);
    at::Tensor head_grad = at::zeros(head.sizes(), head.options().dtype(at::kFloat));
    double total = 0;
    for (int64_t begin = 0; begin < rows; begin += block) {
      const int64_t end = std::min(begin + block, rows);
      const at::Tensor x = hidden.slice(0, begin, end);
      at::Tensor logits = BlockLogits(x, head);
      total += LossAndGradient(logits, targets.slice(0, begin, end), weights.slice(0, begin, end));
      const at::Tensor logits_grad = logits.to(head.scalar_type());
      hidden_grad.slice(0, begin, end).copy_(at::matmul(logits_grad, head));
      if (head.scalar_type() == at::kFloat) {
        head_grad.addmm_(logits_grad.t(), x);
      } else {
        head_grad.add_(at::matmul(logits_grad.t(), x.to(head.scalar_type())));
      }
    }
    context->save_for_backward({hidden_grad, head_grad.to(head.scalar_type())});
    return at::full({}, total, hidden.options().dtype(at::kFloat));
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& scale = upstream[0];
    return {saved[0] * scale.to(saved[0].scalar_type()), saved[1] * scale.to(saved[1].scalar_type()), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor LinearCrossEntropy(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M,
                              const at::Tensor& weights_M) {
  return CrossEntropyFunction::apply(hidden_MD, head_VD, targets_M, weights_M);
}

RowScores ScoreRows(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const at::Tensor& targets_M) {
  const at::NoGradGuard no_grad;
  const int64_t rows = hidden_MD.size(0);
  const int64_t block = BlockRows(head_VD.size(0));
  RowScores scores{at::empty({rows}, hidden_MD.options().dtype(at::kFloat)),
                   at::empty({rows}, hidden_MD.options().dtype(at::kBool))};
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t end = std::min(begin + block, rows);
    const at::Tensor logits = BlockLogits(hidden_MD.slice(0, begin, end), head_VD);
    const at::Tensor target = targets_M.slice(0, begin, end);
    const at::Tensor chosen = logits.gather(1, target.unsqueeze(1)).squeeze(1);
    scores.loss_M.slice(0, begin, end).copy_(logits.logsumexp(1) - chosen);
    scores.correct_M.slice(0, begin, end).copy_(logits.argmax(1).eq(target));
  }
  return scores;
}

}  // namespace jade::train
