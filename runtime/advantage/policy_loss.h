#pragma once
// The loss of one token, with derivatives: the clipped PPO objective, KL and entropy terms, and the clipped value loss.
// Pure inline functions of plain numbers (float or double) for use inside a trainer's kernel.

#include <algorithm>
#include <cmath>

#include "runtime/advantage/kl.h"
#include "runtime/advantage/options.h"

namespace jade::advantage {

template <typename T>
struct PolicyLossOptions {
  T clip_low = T(0.2);
  T clip_high = T(0.2);
  T dual_clip = T(3);       // > 1; 0: off
  T importance_cap = T(2);  // of exp(old − rollout); 0: the weight is 1
  T kl_coefficient = T(0);  // of a KL term in the loss
  KlEstimator kl_estimator = KlEstimator::kK3;
  T entropy_coefficient = T(0);
};

template <typename T>
struct PolicyToken {
  T log_prob{};      // of the policy being trained
  T old_log_prob{};  // recomputed by the trainer before the update
  T advantage{};
  T rollout_log_prob{};    // recorded by the engine; read only when importance_cap > 0
  T reference_log_prob{};  // read only when kl_coefficient > 0
  T entropy{};             // of the policy at this token, in nats
};

template <typename T>
struct PolicyLoss {
  T loss{};                   // importance · policy term + kl_coefficient · kl − entropy_coefficient · entropy
  T d_log_prob{};             // derivative of `loss`; old, rollout and reference are constants
  T d_entropy{};              // −entropy_coefficient
  T ratio{};                  // exp(log_prob − old_log_prob), the logarithm held within ±20
  T importance{};             // min(exp(old − rollout), cap), a constant of the loss
  T kl{};                     // the estimate, without coefficient
  bool clipped = false;       // the clipped term is the larger one: no gradient
  bool dual_clipped = false;  // the dual clip holds: no gradient
};

// Schulman et al. 2017 (arXiv 1707.06347, eq. 7): max(−A ρ, −A clip(ρ, 1 − low, 1 + high)); for A < 0 at most −A c
// (dual clip, Ye et al. 2020, arXiv 1912.09729, eq. 5). Ties, bounds and the ±20 of the logarithm as in verl's
// compute_policy_loss. Truncated importance weight: Espeholt et al. 2018 (arXiv 1802.01561); Yao et al. 2025.
template <typename T>
PolicyLoss<T> PolicyTokenLoss(const PolicyToken<T>& token, const PolicyLossOptions<T>& options) {
  PolicyLoss<T> out;
  const T log_ratio = token.log_prob - token.old_log_prob;
  const T held = std::clamp(log_ratio, T(-20), T(20));
  out.ratio = std::exp(held);
  const T unclipped = -token.advantage * out.ratio;
  const T bounded = -token.advantage * std::clamp(out.ratio, T(1) - options.clip_low, T(1) + options.clip_high);
  T policy = std::max(unclipped, bounded);
  out.clipped = bounded > unclipped;
  if (options.dual_clip > T(0) && token.advantage < T(0)) {
    const T ceiling = -token.advantage * options.dual_clip;
    out.dual_clipped = policy > ceiling;
    policy = std::min(policy, ceiling);
  }
  out.importance = options.importance_cap > T(0)
                       ? std::min(std::exp(std::clamp(token.old_log_prob - token.rollout_log_prob, T(-20), T(20))),
                                  options.importance_cap)
                       : T(1);
  const bool flows = !out.clipped && !out.dual_clipped && held == log_ratio;
  out.loss = out.importance * policy;
  out.d_log_prob = flows ? out.importance * unclipped : T(0);
  if (options.kl_coefficient > T(0)) {
    const KlTerm<T> kl = EstimateKl(options.kl_estimator, token.log_prob, token.reference_log_prob);
    out.kl = kl.value;
    out.loss += options.kl_coefficient * kl.value;
    out.d_log_prob += options.kl_coefficient * kl.d_log_prob;
  }
  out.loss -= options.entropy_coefficient * token.entropy;
  out.d_entropy = -options.entropy_coefficient;
  return out;
}

template <typename T>
struct ValueLoss {
  T loss{};
  T d_value{};
  bool clipped = false;  // the clipped term is the larger one: no gradient
};

// 0.5 · max((v − R)², (clip(v, old ± clip) − R)²), as verl's compute_value_loss (its 0.5 is the published run's value
// loss coefficient). `clip` 0.5 is the default of the method.
template <typename T>
ValueLoss<T> ValueTokenLoss(T value, T old_value, T target, T clip) {
  const T unclipped = value - target;
  const T bounded = std::clamp(value, old_value - clip, old_value + clip) - target;
  ValueLoss<T> out;
  out.clipped = bounded * bounded > unclipped * unclipped;
  const T larger = out.clipped ? bounded : unclipped;
  out.loss = T(0.5) * larger * larger;
  out.d_value = out.clipped ? T(0) : unclipped;
  return out;
}

}  // namespace jade::advantage
