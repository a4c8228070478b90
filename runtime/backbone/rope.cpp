#include "runtime/backbone/rope.h"

#include <cmath>
#include <numbers>

#include "runtime/backbone/random_stream.h"

namespace jade::backbone {
namespace {

using weights::RopeScaling;

// Llama 3.1: low frequencies are divided by the factor, high ones kept, those between blended.
double Llama3Frequency(double frequency, const RopeScaling& scaling) {
  const double wavelength = 2.0 * std::numbers::pi / frequency;
  const double original = static_cast<double>(scaling.original_max_positions);
  if (wavelength < original / scaling.high_freq_factor) return frequency;
  if (wavelength > original / scaling.low_freq_factor) return frequency / scaling.factor;
  const double blend =
      (original / wavelength - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
  return (1.0 - blend) * frequency / scaling.factor + blend * frequency;
}

}  // namespace

std::vector<float> RotaryFrequencies(const weights::ModelConfig& config) {
  std::vector<float> result(static_cast<size_t>(config.head_dim / 2));
  for (size_t i = 0; i < result.size(); ++i) {
    double frequency =
        std::pow(config.rope_theta, -2.0 * static_cast<double>(i) / static_cast<double>(config.head_dim));
    if (i < config.rope_factors.size()) {
      frequency /= config.rope_factors[i];
    } else if (config.rope_scaling.kind == RopeScaling::Kind::kLinear) {
      frequency /= config.rope_scaling.factor;
    } else if (config.rope_scaling.kind == RopeScaling::Kind::kLlama3) {
      frequency = Llama3Frequency(frequency, config.rope_scaling);
    }
    result[i] = static_cast<float>(frequency);
  }
  return result;
}

void FillNormal(at::Tensor& tensor, double deviation, uint64_t seed, uint64_t stream) {
  const int64_t count = tensor.numel();
  at::Tensor values = at::empty({count}, at::kFloat);
  auto* data = values.data_ptr<float>();
  RandomStream random({seed, stream});
  for (int64_t i = 0; i < count; i += 2) {
    // Box and Muller 1958.
    const double radius = deviation * std::sqrt(-2.0 * std::log(1.0 - random.NextUniform()));
    const double angle = 2.0 * std::numbers::pi * random.NextUniform();
    data[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) data[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  tensor.copy_(values.view_as(tensor));
}

}  // namespace jade::backbone
