#include "runtime/train/optimiser.h"

#include <algorithm>
#include <cmath>

#include "compiler/result/check.h"
#include "runtime/train/muon.h"

namespace jade::train {
namespace {

constexpr double kUpdateSize = 0.2;  // root mean square of AdamW's updates, which Muon's are brought to
constexpr int64_t kGrain = 1 << 14;  // elements a thread takes at least

struct StepFactors {
  float beta1, beta2;
  float step_size;           // lr / (1 − beta1^t)
  float inverse_correction;  // 1 / sqrt(1 − beta2^t)
  float epsilon;
  float keep;   // 1 − lr · weight_decay
  float scale;  // of the gradient
};

void UpdateRange(const StepFactors& f, int64_t begin, int64_t end, const float* grad, float* first, float* second,
                 float* weight) {
  for (int64_t i = begin; i < end; ++i) {
    const float g = grad[i] * f.scale;
    const float m = f.beta1 * first[i] + (1.0F - f.beta1) * g;
    const float v = f.beta2 * second[i] + (1.0F - f.beta2) * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] = f.keep * weight[i] - f.step_size * m / (std::sqrt(v) * f.inverse_correction + f.epsilon);
  }
}

void UpdateOnCpu(const StepFactors& f, const at::Tensor& grad, at::Tensor& first, at::Tensor& second,
                 at::Tensor& weight) {
  const float* g = grad.data_ptr<float>();
  float* m = first.data_ptr<float>();
  float* v = second.data_ptr<float>();
  float* w = weight.data_ptr<float>();
  at::parallel_for(0, weight.numel(), kGrain,
                   [&](int64_t begin, int64_t end) { UpdateRange(f, begin, end, g, m, v, w); });
}

void UpdateAnywhere(const StepFactors& f, const at::Tensor& grad, at::Tensor& first, at::Tensor& second,
                    at::Tensor& weight) {
  const at::Tensor g = grad * f.scale;
  first.mul_(f.beta1).add_(g, 1.0F - f.beta1);
  second.mul_(f.beta2).addcmul_(g, g, 1.0F - f.beta2);
  weight.mul_(f.keep).addcdiv_(first, (second.sqrt() * f.inverse_correction).add_(f.epsilon), -f.step_size);
}

}  // namespace

Optimiser::Optimiser(std::vector<TrainedParameter> parameters, OptimiserOptions options, at::ScalarType muon_type)
    : parameters_(std::move(parameters)), options_(options), muon_type_(muon_type) {
  for (const auto& [tensor, hidden_matrix] : parameters_) {
    JADE_CHECK(tensor.scalar_type() == at::kFloat && tensor.is_contiguous(), "master weights are dense fp32");
    JADE_CHECK(!hidden_matrix || tensor.dim() == 2, "Muon moves matrices");
    first_.push_back(at::zeros(tensor.sizes(), tensor.options().requires_grad(false)));
    second_.push_back(at::zeros(tensor.sizes(), tensor.options().requires_grad(false)));
  }
}

double Optimiser::GradientNorm() const {
  double sum = 0;
  for (const auto& [tensor, hidden_matrix] : parameters_) {
    if (!tensor.grad().defined()) continue;
    const double norm = tensor.grad().norm().item<double>();
    sum += norm * norm;
  }
  return std::sqrt(sum);
}

void Optimiser::StepMuon(size_t index, double lr, double scale, double keep) {
  at::Tensor weight = parameters_[index].tensor.detach();
  const at::Tensor grad = parameters_[index].tensor.grad() * scale;
  at::Tensor& momentum = first_[index];
  momentum.mul_(options_.momentum).add_(grad);
  const at::Tensor ahead = at::add(grad, momentum, options_.momentum);  // Nesterov's
  const double size = kUpdateSize * std::sqrt(static_cast<double>(std::max(weight.size(0), weight.size(1))));
  weight.mul_(keep).add_(Orthogonalised(ahead, muon_type_), -lr * size);
}

void Optimiser::Step(double lr, double scale) {
  const at::NoGradGuard no_grad;
  ++steps_;
  StepFactors factors{};
  factors.beta1 = static_cast<float>(options_.beta1);
  factors.beta2 = static_cast<float>(options_.beta2);
  factors.step_size = static_cast<float>(lr / (1.0 - std::pow(options_.beta1, static_cast<double>(steps_))));
  factors.inverse_correction =
      static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, static_cast<double>(steps_))));
  factors.epsilon = static_cast<float>(options_.epsilon);
  factors.scale = static_cast<float>(scale);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    at::Tensor& weight = parameters_[i].tensor;
    if (!weight.grad().defined()) continue;
    const double keep = weight.dim() > 1 ? 1.0 - lr * options_.weight_decay : 1.0;
    const at::Tensor grad = weight.grad().contiguous();
    factors.keep = static_cast<float>(keep);
    at::Tensor data = weight.detach();
    if (options_.kind == OptimiserKind::kMuon && parameters_[i].hidden_matrix) {
      StepMuon(i, lr, scale, keep);
    } else if (weight.device().is_cpu()) {
      UpdateOnCpu(factors, grad, first_[i], second_[i], data);
    } else {
      UpdateAnywhere(factors, grad, first_[i], second_[i], data);
    }
    weight.mutable_grad().reset();
  }
}

}  // namespace jade::train
