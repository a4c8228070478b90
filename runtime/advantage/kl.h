#pragma once
// The KL divergence of a policy from a reference, one sample at a time, and the controller of its coefficient. Pure
// functions and plain values, any thread.

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "runtime/advantage/options.h"

namespace jade::advantage {

template <typename T>
struct KlTerm {
  T value{};
  T d_log_prob{};  // derivative with respect to the policy's log-probability
};

// Estimates of KL(policy ‖ reference) from a token sampled by the policy (Schulman, "Approximating KL divergence",
// http://joschu.net/blog/kl-approx.html), with x = log reference − log policy:
//   k1 = −x;  k2 = x²/2;  k3 = eˣ − 1 − x, where x is held within ±20 and the result within ±10 as verl does.
// Outside those bounds the derivative is 0. k1 and k3 are unbiased in value. As a loss, k1's gradient has mean zero and
// k2's is that of the divergence (on-policy); in the reward, k1 is the exact term.
template <typename T>
KlTerm<T> EstimateKl(KlEstimator estimator, T log_prob, T reference_log_prob) {
  const T x = reference_log_prob - log_prob;
  switch (estimator) {
    case KlEstimator::kK1:
      return {-x, T(1)};
    case KlEstimator::kK2:
      return {x * x / T(2), -x};
    case KlEstimator::kK3: {
      const T held = std::clamp(x, T(-20), T(20));
      const T value = std::expm1(held) - held;
      const bool inside = held == x && value <= T(10);
      return {std::min(value, T(10)), inside ? -std::expm1(held) : T(0)};
    }
  }
  return {};
}

// The coefficient of the KL term, a plain value to be stored with a checkpoint. horizon 0: fixed.
struct KlController {
  double coefficient = 0.0;
  double target = 0.0;
  double horizon = 0.0;

  // Ziegler et al. 2019 (arXiv 1909.08593, section 2.2, in the form of its code): coefficient · (1 + e · calls /
  // horizon), e = clip(kl / target − 1, −0.2, 0.2). `kl`: Estimates::kl.Mean(); `calls`: those it was measured on.
  void Update(double kl, int64_t calls);

  friend bool operator==(const KlController&, const KlController&) = default;
};

KlController MakeKlController(const KlOptions& options);

}  // namespace jade::advantage
