#include "runtime/train/adamw.h"

#include <cmath>

#include "compiler/result/check.h"

namespace jade::train {
namespace {

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

AdamW::AdamW(std::vector<at::Tensor> parameters, AdamWOptions options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const at::Tensor& parameter : parameters_) {
    JADE_CHECK(parameter.scalar_type() == at::kFloat && parameter.is_contiguous(), "master weights are dense fp32");
    first_.push_back(at::zeros(parameter.sizes(), parameter.options().requires_grad(false)));
    second_.push_back(at::zeros(parameter.sizes(), parameter.options().requires_grad(false)));
  }
}

double AdamW::GradientNorm() const {
  double sum = 0;
  for (const at::Tensor& parameter : parameters_) {
    if (!parameter.grad().defined()) continue;
    const double norm = parameter.grad().norm().item<double>();
    sum += norm * norm;
  }
  return std::sqrt(sum);
}

void AdamW::Step(double lr, double scale) {
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
    at::Tensor& weight = parameters_[i];
    if (!weight.grad().defined()) continue;
    const at::Tensor grad = weight.grad().contiguous();
    factors.keep = weight.dim() > 1 ? static_cast<float>(1.0 - lr * options_.weight_decay) : 1.0F;
    at::Tensor data = weight.detach();
    if (weight.device().is_cpu()) {
      UpdateOnCpu(factors, grad, first_[i], second_[i], data);
    } else {
      UpdateAnywhere(factors, grad, first_[i], second_[i], data);
    }
    weight.mutable_grad().reset();
  }
}

}  // namespace jade::train
