#include "runtime/backbone/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "runtime/backbone/cpu_kernels.h"

namespace jade::backbone {
namespace {

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

// A range of logits whose weights are summed together, so that most of a row is skipped in search of a token.
constexpr size_t kStretch = 1024;

// Logits to weights, and the sums of its stretches.
std::vector<double> Weigh(std::span<float> logits, float highest, float scale) {
  std::vector<double> sums;
  for (size_t begin = 0; begin < logits.size(); begin += kStretch) {
    const size_t count = std::min(kStretch, logits.size() - begin);
    float* at = logits.data() + begin;
    sums.push_back(CpuKernels().weights(at, highest, scale, at, static_cast<int64_t>(count)));
  }
  return sums;
}

SampledToken PickByStretches(std::span<const float> weights, const std::vector<double>& sums, double uniform) {
  double total = 0.0;
  for (const double sum : sums) total += sum;
  const double threshold = uniform * total;
  double before = 0.0, sum = 0.0;
  size_t stretch = 0;
  for (size_t i = 0; i < sums.size(); ++i) {
    if (sums[i] <= 0.0) continue;
    before = sum;
    sum += sums[i];
    stretch = i;
    if (sum > threshold) break;
  }
  const size_t begin = stretch * kStretch;
  const size_t count = std::min(kStretch, weights.size() - begin);
  const size_t chosen = begin + Pick(weights.subspan(begin, count), threshold - before);
  return {static_cast<int32_t>(chosen), static_cast<float>(std::log(weights[chosen] / total))};
}

// The tokens that top-p can keep: those that it cuts for certain are so improbable that all of them together do not
// weigh what it leaves out. With room for rounding.
std::vector<int32_t> Candidates(std::span<float> weights, const SamplerSettings& settings) {
  double least = 0.0;
  if (settings.top_k == 0) {
    least = 0.99 * (1.0 - settings.top_p) * Total(weights) / static_cast<double>(weights.size());
  }
  std::vector<int32_t> candidates;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0.0f && weights[i] >= least) candidates.push_back(static_cast<int32_t>(i));
  }
  return candidates;
}

// Sets to zero what top-k and top-p cut off.
void Truncate(std::span<float> weights, const SamplerSettings& settings) {
  const double total = settings.top_k == 0 ? Total(weights) : 0.0;
  std::vector<int32_t> order = Candidates(weights, settings);
  std::vector<float> kept_weights;
  const auto weight = [&](int32_t id) { return weights[static_cast<size_t>(id)]; };
  const auto better = [&](int32_t a, int32_t b) { return weight(a) > weight(b) || (weight(a) == weight(b) && a < b); };
  const auto at = [&](size_t i) { return order.begin() + static_cast<std::ptrdiff_t>(i); };
  size_t kept = order.size();
  if (settings.top_k > 0 && static_cast<size_t>(settings.top_k) < kept) {
    kept = static_cast<size_t>(settings.top_k);
    std::nth_element(order.begin(), at(kept - 1), order.end(), better);
  }
  if (settings.top_p < 1.0) {
    double wanted = total;
    if (settings.top_k > 0) {
      wanted = 0.0;
      for (size_t i = 0; i < kept; ++i) wanted += weight(order[i]);
    }
    wanted *= settings.top_p;
    // Few tokens reach p: sort a growing head instead of all.
    double sum = 0.0;
    size_t sorted = 0, nucleus = 0;
    while (sum < wanted && nucleus < kept) {
      if (nucleus == sorted) {
        const size_t end = std::min(kept, std::max<size_t>(64, sorted * 4));
        std::partial_sort(at(sorted), at(end), at(kept), better);
        sorted = end;
      }
      sum += weight(order[nucleus++]);
    }
    kept = std::max<size_t>(nucleus, 1);
  }
  kept_weights.reserve(kept);
  for (size_t i = 0; i < kept; ++i) kept_weights.push_back(weight(order[i]));
  std::fill(weights.begin(), weights.end(), 0.0f);
  for (size_t i = 0; i < kept; ++i) weights[static_cast<size_t>(order[i])] = kept_weights[i];
}

}  // namespace

SampledToken SampleToken(std::span<float> logits, const SamplerSettings& settings, RandomStream* random) {
  const auto width = static_cast<int64_t>(logits.size());
  const float highest = CpuKernels().highest(logits.data(), width);
  if (!std::isfinite(highest)) return {};
  if (settings.temperature == 0.0) {
    const auto best = std::find(logits.begin(), logits.end(), highest) - logits.begin();
    return {static_cast<int32_t>(best), highest - CpuKernels().log_sum_exp(logits.data(), width)};
  }
  // Neither end may turn a difference of logits into NaN.
  const auto scale = static_cast<float>(std::clamp(1.0 / settings.temperature, 1e-30, 1e30));
  const std::vector<double> sums = Weigh(logits, highest, scale);
  const double uniform = random->NextUniform();
  if (settings.top_k == 0 && settings.top_p >= 1.0 && settings.min_p <= 0.0) {
    return PickByStretches(logits, sums, uniform);
  }
  if (settings.top_k > 0 || settings.top_p < 1.0) Truncate(logits, settings);
  // The first has weight 1.
  for (float& weight : logits) weight = weight < settings.min_p ? 0.0f : weight;
  const double total = Total(logits);
  const size_t chosen = Pick(logits, uniform * total);
  return {static_cast<int32_t>(chosen), static_cast<float>(std::log(logits[chosen] / total))};
}

void ApplyRepetitionPenalty(std::span<float> logits, std::span<const int32_t> tokens, double penalty) {
  for (const int32_t token : tokens) {
    if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(token)];
    logit = static_cast<float>(logit > 0.0f ? logit / penalty : logit * penalty);
  }
}

void ApplyMask(std::span<float> logits, const engine::TokenMask& allowed) {
  constexpr float kNever = -INFINITY;
  for (size_t word = 0; word * 64 < logits.size(); ++word) {
    uint64_t refused = word < allowed.words().size() ? ~allowed.words()[word] : ~uint64_t{0};
    const size_t begin = word * 64, count = std::min<size_t>(64, logits.size() - begin);
    if (refused == ~uint64_t{0}) {
      std::fill_n(logits.begin() + static_cast<std::ptrdiff_t>(begin), count, kNever);
      continue;
    }
    for (; refused != 0; refused &= refused - 1) {
      const auto bit = static_cast<size_t>(std::countr_zero(refused));
      if (bit >= count) break;
      logits[begin + bit] = kNever;
    }
  }
}

}  // namespace jade::backbone
