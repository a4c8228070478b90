#include "runtime/backbone/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "runtime/backbone/cpu_kernels.h"

namespace jade::backbone {
namespace {

int32_t ArgMax(std::span<const float> logits) {
  int32_t best = -1;
  float highest = -INFINITY;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i])) return -1;
    if (logits[i] > highest) highest = logits[i], best = static_cast<int32_t>(i);
  }
  return best;
}

// The index that `threshold` of the total falls on; the last one with any weight when rounding carries past the end.
size_t Pick(std::span<const float> weights, double threshold) {
  double sum = 0.0;
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0.0f) continue;
    sum += weights[i];
    last = i;
    if (sum > threshold) break;
  }
  return last;
}

double Total(std::span<const float> weights) {
  double sum = 0.0;
  for (const float weight : weights) sum += weight;
  return sum;
}

// Sets to zero what top-k and top-p cut off.
void Truncate(std::span<float> probabilities, const SamplerSettings& settings) {
  std::vector<int32_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  const auto better = [&](int32_t a, int32_t b) {
    const float x = probabilities[static_cast<size_t>(a)], y = probabilities[static_cast<size_t>(b)];
    return x > y || (x == y && a < b);
  };
  size_t kept = order.size();
  if (settings.top_k > 0 && static_cast<size_t>(settings.top_k) < kept) {
    kept = static_cast<size_t>(settings.top_k);
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept) - 1, order.end(), better);
    for (size_t i = kept; i < order.size(); ++i) probabilities[static_cast<size_t>(order[i])] = 0.0f;
  }
  if (settings.top_p >= 1.0) return;
  const double wanted = settings.top_p * Total(probabilities);
  // Few tokens reach p: sort a growing head instead of all.
  double sum = 0.0;
  size_t sorted = 0, nucleus = 0;
  const auto at = [&](size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(i); };
  while (sum < wanted && nucleus < kept) {
    if (nucleus == sorted) {
      const size_t end = std::min(kept, std::max<size_t>(64, sorted * 4));
      std::partial_sort(at(sorted), at(end), at(kept), better);
      sorted = end;
    }
    sum += probabilities[static_cast<size_t>(order[nucleus++])];
  }
  nucleus = std::max<size_t>(nucleus, 1);
  for (size_t i = nucleus; i < kept; ++i) probabilities[static_cast<size_t>(order[i])] = 0.0f;
}

}  // namespace

SampledToken SampleToken(std::span<float> logits, const SamplerSettings& settings, RandomStream* random) {
  const int32_t best = ArgMax(logits);
  if (best < 0) return {};
  const auto width = static_cast<int64_t>(logits.size());
  if (settings.temperature == 0.0) {
    return {best, logits[static_cast<size_t>(best)] - CpuKernels().log_sum_exp(logits.data(), width)};
  }
  const float highest = logits[static_cast<size_t>(best)];
  const double inverse = 1.0 / settings.temperature;
  // Differences first: a tiny temperature must not turn large logits into infinities of both signs.
  for (float& logit : logits) logit = static_cast<float>((logit - highest) * inverse);
  CpuKernels().scaled_softmax(logits.data(), 0.0f, 1.0f, logits.data(), width);
  if (settings.top_k > 0 || settings.top_p < 1.0) Truncate(logits, settings);
  const double total = Total(logits);
  const size_t chosen = Pick(logits, random->NextUniform() * total);
  return {static_cast<int32_t>(chosen), static_cast<float>(std::log(logits[chosen] / total))};
}

}  // namespace jade::backbone
