#include "runtime/train/token_loss.h"

#include <algorithm>
#include <cmath>

#include "compiler/result/check.h"
#include "runtime/backbone/cpu_kernels.h"
#include "runtime/backbone/logit_rows.h"
#include "runtime/backbone/master_gradient.h"
#include "runtime/backbone/tile_product.h"

namespace jade::train {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Function;
using torch::autograd::variable_list;

constexpr float kImpossible = -1e30F;  // a logit whose probability is zero, and that is still a number

at::Tensor BlockLogits(const at::Tensor& hidden, const at::Tensor& head) {
  return backbone::Product(hidden.to(head.scalar_type()), head.t()).to(at::kFloat);
}

// What is done with a block of logits: `loss` null when only scores are wanted.
struct BlockTask {
  const TokenRows& rows;
  int64_t first = 0;  // row of the block's first
  bool entropy = false;
  const TokenLoss* loss = nullptr;
  TokenScore* scores = nullptr;  // of the block's rows; null: not wanted
};

void Prepare(float* row, int64_t vocabulary, float inverse_temperature, const engine::TokenMask* legal) {
  if (inverse_temperature != 1.0F) {
    for (int64_t v = 0; v < vocabulary; ++v) row[v] *= inverse_temperature;
  }
  if (legal == nullptr) return;
  for (int64_t v = 0; v < vocabulary; ++v) {
    if (v >= legal->size() || !legal->Has(static_cast<int32_t>(v))) row[v] = kImpossible;
  }
}

// H = log Σ exp(x) − Σ p·x.
float EntropyOf(const float* row, int64_t vocabulary, float log_sum, std::vector<float>* scratch) {
  scratch->resize(static_cast<size_t>(vocabulary));
  backbone::CpuKernels().scaled_softmax(row, log_sum, 1.0F, scratch->data(), vocabulary);
  double mean = 0;
  for (int64_t v = 0; v < vocabulary; ++v) {
    const float p = (*scratch)[static_cast<size_t>(v)];
    if (p > 0) mean += static_cast<double>(p) * (row[v] - log_sum);
  }
  return static_cast<float>(-mean);
}

// d loss / d logits, in place: by_log_prob · (onehot − p) − by_entropy · p · (log p + H), times the inverse
// temperature.
void WriteGradient(float* row, int64_t vocabulary, float log_sum, int64_t target, float inverse_temperature,
                   const TokenGradient& gradient, float entropy) {
  const float g = gradient.by_log_prob * inverse_temperature;
  if (gradient.by_entropy == 0) {
    backbone::CpuKernels().scaled_softmax(row, log_sum, -g, row, vocabulary);
  } else {
    const float h = gradient.by_entropy * inverse_temperature;
    for (int64_t v = 0; v < vocabulary; ++v) {
      const float log_p = row[v] - log_sum;
      const float p = log_p < -87.0F ? 0.0F : std::exp(log_p);
      row[v] = -p * (g + h * (p > 0 ? log_p + entropy : 0.0F));
    }
  }
  row[target] += g;
}

double RunBlockOnCpu(at::Tensor& logits, const BlockTask& task) {
  const int64_t rows = logits.size(0), vocabulary = logits.size(1);
  const int64_t* targets = task.rows.targets_M.data_ptr<int64_t>() + task.first;
  std::vector<double> losses(static_cast<size_t>(rows));
  at::parallel_for(0, rows, 4, [&](int64_t begin, int64_t end) {
    const backbone::KernelTable& kernels = backbone::CpuKernels();
    std::vector<float> scratch;
    for (int64_t r = begin; r < end; ++r) {
      const auto index = static_cast<size_t>(task.first + r);
      float* row = logits.data_ptr<float>() + r * vocabulary;
      const float inverse_temperature = task.rows.inverse_temperatures[index];
      Prepare(row, vocabulary, inverse_temperature, task.rows.legal.empty() ? nullptr : task.rows.legal[index]);
      const float log_sum = kernels.log_sum_exp(row, vocabulary);
      TokenScore score{row[targets[r]] - log_sum, 0.0F};
      if (task.entropy) score.entropy = EntropyOf(row, vocabulary, log_sum, &scratch);
      if (task.scores != nullptr) task.scores[r] = score;
      if (task.loss == nullptr) continue;
      const TokenGradient gradient = (*task.loss)(task.first + r, score);
      losses[static_cast<size_t>(r)] = gradient.loss;
      WriteGradient(row, vocabulary, log_sum, targets[r], inverse_temperature, gradient, score.entropy);
    }
  });
  double sum = 0;
  for (const double loss : losses) sum += loss;
  return sum;
}

// The same with LibTorch's operators.
double RunBlockAnywhere(at::Tensor& logits, const BlockTask& task) {
  const int64_t rows = logits.size(0);
  const auto first = static_cast<size_t>(task.first);
  const at::Tensor targets = task.rows.targets_M.slice(0, task.first, task.first + rows).unsqueeze(1);
  std::vector<float> inverse(task.rows.inverse_temperatures.begin() + task.first,
                             task.rows.inverse_temperatures.begin() + task.first + rows);
  const at::Tensor scale = at::tensor(inverse, at::kFloat).to(logits.device()).unsqueeze(1);
  logits.mul_(scale);
  for (int64_t r = 0; r < rows && !task.rows.legal.empty(); ++r) {
    const engine::TokenMask* legal = task.rows.legal[first + static_cast<size_t>(r)];
    if (legal == nullptr) continue;
    at::Tensor illegal = at::ones({logits.size(1)}, at::kBool);
    for (int64_t v = 0; v < std::min(legal->size(), logits.size(1)); ++v) {
      if (legal->Has(static_cast<int32_t>(v))) illegal.data_ptr<bool>()[v] = false;
    }
    logits.select(0, r).masked_fill_(illegal.to(logits.device()), kImpossible);
  }
  const at::Tensor log_p = logits - logits.logsumexp(1, /*keepdim=*/true);
  const at::Tensor p = log_p.exp();
  const at::Tensor entropy = -(p * log_p.clamp_min(-1e4)).sum(1, /*keepdim=*/true);
  const at::Tensor host = at::cat({log_p.gather(1, targets), entropy}, 1).to(at::kCPU).contiguous();
  at::Tensor gradients = at::empty({rows, 2}, at::kFloat);
  double sum = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const float* values = host.data_ptr<float>() + 2 * r;
    const TokenScore score{values[0], task.entropy ? values[1] : 0.0F};
    if (task.scores != nullptr) task.scores[r] = score;
    if (task.loss == nullptr) continue;
    const TokenGradient gradient = (*task.loss)(task.first + r, score);
    sum += gradient.loss;
    gradients.data_ptr<float>()[2 * r] = gradient.by_log_prob;
    gradients.data_ptr<float>()[2 * r + 1] = gradient.by_entropy;
  }
  if (task.loss == nullptr) return 0;
  const at::Tensor device_gradients = gradients.to(logits.device());
  const at::Tensor g = device_gradients.slice(1, 0, 1), h = device_gradients.slice(1, 1, 2);
  logits.copy_((p * (g + h * (log_p.clamp_min(-1e4) + entropy))).neg_().scatter_add_(1, targets, g).mul_(scale));
  return sum;
}

double RunBlock(at::Tensor& logits, const BlockTask& task) {
  return logits.device().is_cpu() ? RunBlockOnCpu(logits, task) : RunBlockAnywhere(logits, task);
}

at::Tensor Scaled(const at::Tensor& gradient, double scale) {
  return scale == 1.0 || !gradient.defined() ? gradient : gradient * scale;
}

struct TokenLossFunction : public Function<TokenLossFunction> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& hidden, const at::Tensor& head,
                            const TokenRows* rows, bool entropy, const TokenLoss* loss) {
    const int64_t count = hidden.size(0), block = backbone::LogitBlockRows(head);
    const at::Tensor hidden_grad = hidden.requires_grad() ? at::empty_like(hidden) : at::Tensor();
    at::Tensor head_grad;  // in fp32
    if (head.requires_grad())
      head_grad = at::zeros(head.sizes(), head.options().dtype(at::kFloat).requires_grad(false));
    double total = 0;
    for (int64_t begin = 0; begin < count; begin += block) {
      const int64_t end = std::min(begin + block, count);
      const at::Tensor x = hidden.slice(0, begin, end);
      at::Tensor logits = BlockLogits(x, head);
      total += RunBlock(logits, {.rows = *rows, .first = begin, .entropy = entropy, .loss = loss});
      const at::Tensor logits_grad = logits.to(head.scalar_type());
      if (hidden_grad.defined()) hidden_grad.slice(0, begin, end).copy_(backbone::Product(logits_grad, head));
      if (head_grad.defined()) {
        backbone::ProductInto(logits_grad.t(), x.to(head.scalar_type()).contiguous(), head_grad, /*add=*/begin > 0);
      }
    }
    if (const backbone::MasterGradientPtr master = backbone::MasterGradient::Behind(head)) {
      context->saved_data["master"] = backbone::MasterGradient::ToValue(master);
    }
    context->saved_data["type"] = static_cast<int64_t>(head.scalar_type());
    context->save_for_backward({hidden_grad, head_grad});
    return at::full({}, total, hidden.options().dtype(at::kFloat).requires_grad(false));
  }

  static variable_list backward(AutogradContext* context, variable_list upstream) {
    const variable_list saved = context->get_saved_variables();
    const double scale = upstream[0].item<double>();
    variable_list result(5);
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

void CheckRows(const at::Tensor& hidden_MD, const TokenRows& rows) {
  const auto count = static_cast<size_t>(hidden_MD.size(0));
  JADE_CHECK(rows.targets_M.numel() == hidden_MD.size(0) && rows.inverse_temperatures.size() == count &&
                 (rows.legal.empty() || rows.legal.size() == count),
             "{} hidden rows, {} targets, {} temperatures, {} masks", count, rows.targets_M.numel(),
             rows.inverse_temperatures.size(), rows.legal.size());
}

}  // namespace

std::vector<TokenScore> ScoreTokens(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const TokenRows& rows,
                                    bool entropy) {
  const at::NoGradGuard no_grad;
  CheckRows(hidden_MD, rows);
  const int64_t count = hidden_MD.size(0);
  const int64_t block = backbone::LogitBlockRows(head_VD);
  std::vector<TokenScore> scores(static_cast<size_t>(count));
  for (int64_t begin = 0; begin < count; begin += block) {
    at::Tensor logits = BlockLogits(hidden_MD.slice(0, begin, std::min(begin + block, count)), head_VD);
    RunBlock(logits, {.rows = rows, .first = begin, .entropy = entropy, .scores = scores.data() + begin});
  }
  return scores;
}

at::Tensor LinearTokenLoss(const at::Tensor& hidden_MD, const at::Tensor& head_VD, const TokenRows& rows, bool entropy,
                           const TokenLoss& loss) {
  CheckRows(hidden_MD, rows);
  return TokenLossFunction::apply(hidden_MD.contiguous(), head_VD, &rows, entropy, &loss);
}

}  // namespace jade::train
