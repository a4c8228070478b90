#include "runtime/train/optimiser.h"

#include <algorithm>
#include <cmath>

#include "compiler/result/check.h"
#include "runtime/backbone/cpu_kernels.h"
#include "runtime/train/muon.h"

namespace jade::train {
namespace {

constexpr double kUpdateSize = 0.2;  // root mean square of AdamW's updates, which Muon's are brought to
constexpr int64_t kPieceElements = 1 << 16;

void UpdateAnywhere(const backbone::AdamWFactors& f, const at::Tensor& grad, at::Tensor& first, at::Tensor& second,
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
    on_cpu_ = on_cpu_ && tensor.device().is_cpu();
    for (int64_t begin = 0; begin < tensor.numel(); begin += kPieceElements) {
      pieces_.push_back({first_.size() - 1, begin, std::min(tensor.numel(), begin + kPieceElements)});
    }
  }
}

std::vector<at::Tensor> Optimiser::Gradients() const {
  std::vector<at::Tensor> gradients;
  for (const TrainedParameter& parameter : parameters_) {
    const at::Tensor& gradient = parameter.tensor.grad();
    gradients.push_back(gradient.defined() ? gradient.to(at::kFloat).contiguous() : gradient);
  }
  return gradients;
}

double Optimiser::GradientNorm() const {
  const std::vector<at::Tensor> gradients = Gradients();
  double sum = 0;
  if (!on_cpu_) {
    for (const at::Tensor& gradient : gradients) {
      if (gradient.defined()) sum += std::pow(gradient.norm().item<double>(), 2);
    }
    return std::sqrt(sum);
  }
  std::vector<double> sums(pieces_.size(), 0.0);
  at::parallel_for(0, static_cast<int64_t>(pieces_.size()), 1, [&](int64_t first, int64_t last) {
    for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
      const auto [index, begin, end] = pieces_[i];
      if (!gradients[index].defined()) continue;
      sums[i] = backbone::CpuKernels().sum_of_squares(gradients[index].data_ptr<float>() + begin, end - begin);
    }
  });
  for (const double part : sums) sum += part;  // in a fixed order, whatever the number of threads
  return std::sqrt(sum);
}

bool Optimiser::UsesMuon(size_t index) const {
  return options_.kind == OptimiserKind::kMuon && parameters_[index].hidden_matrix;
}

void Optimiser::StepAdamW(const backbone::AdamWFactors& factors, double lr, const std::vector<at::Tensor>& gradients) {
  const auto with_decay = [&](size_t index) {
    backbone::AdamWFactors own = factors;
    own.keep = static_cast<float>(Keep(index, lr));
    return own;
  };
  if (!on_cpu_) {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      at::Tensor data = parameters_[i].tensor.detach();
      if (gradients[i].defined() && !UsesMuon(i)) {
        UpdateAnywhere(with_decay(i), gradients[i], first_[i], second_[i], data);
      }
    }
    return;
  }
  at::parallel_for(0, static_cast<int64_t>(pieces_.size()), 1, [&](int64_t first, int64_t last) {
    for (auto i = static_cast<size_t>(first); i < static_cast<size_t>(last); ++i) {
      const auto [index, begin, end] = pieces_[i];
      if (!gradients[index].defined() || UsesMuon(index)) continue;
      backbone::CpuKernels().adamw(with_decay(index), end - begin, gradients[index].data_ptr<float>() + begin,
                                   first_[index].data_ptr<float>() + begin, second_[index].data_ptr<float>() + begin,
                                   parameters_[index].tensor.data_ptr<float>() + begin);
    }
  });
}

double Optimiser::Keep(size_t index, double lr) const {
  return parameters_[index].tensor.dim() > 1 ? 1.0 - lr * options_.weight_decay : 1.0;
}

void Optimiser::StepMuon(size_t index, double lr, double scale) {
  at::Tensor weight = parameters_[index].tensor.detach();
  const at::Tensor grad = parameters_[index].tensor.grad() * scale;
  at::Tensor& momentum = first_[index];
  momentum.mul_(options_.momentum).add_(grad);
  const at::Tensor ahead = at::add(grad, momentum, options_.momentum);  // Nesterov's
  const double size = kUpdateSize * std::sqrt(static_cast<double>(std::max(weight.size(0), weight.size(1))));
  weight.mul_(Keep(index, lr)).add_(Orthogonalised(ahead, muon_type_), -lr * size);
}

void Optimiser::Step(double lr, double scale) {
  const at::NoGradGuard no_grad;
  ++steps_;
  backbone::AdamWFactors factors;
  factors.beta1 = static_cast<float>(options_.beta1);
  factors.beta2 = static_cast<float>(options_.beta2);
  factors.step_size = static_cast<float>(lr / (1.0 - std::pow(options_.beta1, static_cast<double>(steps_))));
  factors.inverse_correction =
      static_cast<float>(1.0 / std::sqrt(1.0 - std::pow(options_.beta2, static_cast<double>(steps_))));
  factors.epsilon = static_cast<float>(options_.epsilon);
  factors.scale = static_cast<float>(scale);
  StepAdamW(factors, lr, Gradients());
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].tensor.grad().defined()) continue;
    if (UsesMuon(i)) StepMuon(i, lr, scale);
    parameters_[i].tensor.mutable_grad().reset();
  }
}

}  // namespace jade::train
