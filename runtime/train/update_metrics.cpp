#include "runtime/train/update_metrics.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace jade::train {
namespace {

// Means over counted tokens.
struct TokenSums {
  double count = 0, entropy = 0, kl_start = 0, kl_step = 0, clipped = 0, dual_clipped = 0, importance = 0;
  double mismatch = 0, mismatch_k3 = 0, mismatch_max = 0;
  double error = 0;  // squared, of values

  void Scalars(const std::string& place, const MetricsInput& input, metrics::Scalars* out) const {
    const double n = std::max(count, 1.0);
    (*out)[place + "entropy"] = entropy / n;
    (*out)[place + "clip_fraction"] = clipped / n;
    (*out)[place + "dual_clip_fraction"] = dual_clipped / n;
    (*out)[place + "kl_step"] = kl_step / n;
    if (input.has_reference) (*out)[place + "kl"] = kl_start / n;
    if (input.has_values) (*out)[place + "value_error"] = error / n;
  }
};

void AddToken(const MetricsInput& input, size_t place, TokenSums* sums) {
  const TokenFigures& token = input.tokens[place];
  ++sums->count;
  sums->entropy += token.entropy;
  sums->kl_start += token.old_log_prob - token.reference_log_prob;
  sums->kl_step += token.kl;
  sums->clipped += token.clipped ? 1 : 0;
  sums->dual_clipped += token.dual_clipped ? 1 : 0;
  sums->importance += token.importance;
  const double difference = input.flat.rollout_log_probs[place] - token.old_log_prob;
  sums->mismatch += std::abs(difference);
  sums->mismatch_k3 += std::expm1(-difference) + difference;
  sums->mismatch_max = std::max(sums->mismatch_max, std::abs(difference));
  const double error = token.value - input.estimates.returns[place];
  sums->error += error * error;
}

// 1 − variance of (return − value) over variance of returns.
double ExplainedVariance(const MetricsInput& input) {
  advantage::Moments returns, errors;
  for (size_t i = 0; i < input.tokens.size(); ++i) {
    if (input.flat.counted[i] == 0) continue;
    returns.Add(input.estimates.returns[i]);
    errors.Add(input.estimates.returns[i] - input.tokens[i].value);
  }
  return returns.Variance() > 0 ? 1.0 - errors.Variance() / returns.Variance() : 0.0;
}

void AddAdvantages(const MetricsInput& input, metrics::Scalars* out) {
  for (size_t role = 0; role < input.estimates.by_role.size(); ++role) {
    const advantage::RoleStatistics& of = input.estimates.by_role[role];
    if (of.calls == 0) continue;
    const std::string place = "role/" + input.batch.roles[role] + "/";
    (*out)[place + "advantage_mean"] = of.total.Mean();
    (*out)[place + "advantage_variance"] = of.total.Variance();
    (*out)[place + "advantage_variance_team"] = of.team.Variance();
    (*out)[place + "advantage_variance_penalty"] = of.penalty.Variance();
    (*out)[place + "reward"] = of.reward.Mean();
  }
  const advantage::Counts& counts = input.estimates.counts;
  if (counts.counterfactual_calls > 0) {
    (*out)["credit/counterfactual_calls"] = static_cast<double>(counts.counterfactual_calls);
  }
  if (counts.unreached_calls > 0) (*out)["credit/unreached_calls"] = static_cast<double>(counts.unreached_calls);
  if (counts.groups.groups > 0) {
    (*out)["credit/groups"] = static_cast<double>(counts.groups.groups);
    (*out)["credit/groups_of_one_run"] = static_cast<double>(counts.groups.single_run);
    (*out)["credit/groups_without_signal"] = static_cast<double>(counts.groups.flat);
  }
}

}  // namespace

metrics::Scalars UpdateScalars(const MetricsInput& input) {
  metrics::Scalars out;
  std::map<uint32_t, TokenSums> roles;
  TokenSums all;
  for (size_t t = 0; t < input.flat.transitions.size(); ++t) {
    TokenSums& role = roles[input.flat.transitions[t]->role];
    for (int64_t i = input.flat.offsets[t]; i < input.flat.offsets[t + 1]; ++i) {
      const auto place = static_cast<size_t>(i);
      if (input.flat.counted[place] == 0) continue;
      AddToken(input, place, &role);
      AddToken(input, place, &all);
    }
  }
  for (const auto& [role, sums] : roles) sums.Scalars("role/" + input.batch.roles[role] + "/", input, &out);
  all.Scalars("policy/", input, &out);
  const double n = std::max(all.count, 1.0);
  out["policy/importance"] = all.importance / n;
  out["train/mismatch_kl"] = all.mismatch_k3 / n;
  out["train/mismatch_mean"] = all.mismatch / n;
  out["train/mismatch_max"] = all.mismatch_max;
  if (input.has_values) out["value/explained_variance"] = ExplainedVariance(input);
  AddAdvantages(input, &out);
  return out;
}

metrics::Scalars RolloutScalars(const rollout::Batch& batch) {
  metrics::Scalars out;
  const double runs = std::max<double>(1, static_cast<double>(batch.runs.size()));
  double failed = 0;
  for (const rollout::Run& run : batch.runs) {
    out["reward/mean"] += run.reward / runs;
    out["reward/f1"] += run.f1 / runs;
    out["reward/em"] += run.em / runs;
    out["reward/accuracy"] += run.accuracy / runs;
    out["run/turns"] += static_cast<double>(run.turns) / runs;
    out["run/retrievals"] += static_cast<double>(run.retrievals) / runs;
    out["run/calls"] += static_cast<double>(run.calls) / runs;
    out["run/tokens"] += static_cast<double>(run.tokens) / runs;
    out["run/prompt_tokens"] += static_cast<double>(run.prompt_tokens) / runs;
    if (run.status != trace::RunStatus::kDone) ++failed;
  }
  out["run/failed"] = failed / runs;
  out["run/retried"] = static_cast<double>(batch.retried);
  struct Counted {
    double calls = 0, valid = 0, tokens = 0, prompt = 0, penalty = 0, truncated = 0;
  };
  std::map<uint32_t, Counted> roles;
  for (const rollout::Transition& transition : batch.transitions) {
    Counted& role = roles[transition.role];
    ++role.calls;
    role.valid += transition.validity == trace::Validity::kValid ? 1 : 0;
    role.tokens += static_cast<double>(transition.action.size());
    role.prompt += static_cast<double>(transition.observation.size());
    role.penalty += transition.penalty;
    role.truncated += transition.truncated ? 1 : 0;
  }
  for (const auto& [role, counted] : roles) {
    const std::string place = "role/" + batch.roles[role] + "/";
    out[place + "calls"] = counted.calls / runs;
    out[place + "valid"] = counted.valid / counted.calls;
    out[place + "length"] = counted.tokens / counted.calls;
    out[place + "prompt_length"] = counted.prompt / counted.calls;
    out[place + "penalty"] = counted.penalty / counted.calls;
    out[place + "truncated"] = counted.truncated / counted.calls;
  }
  for (const auto& [role, left] : batch.left_out) {
    out["role/" + role + "/too_long"] = static_cast<double>(left.too_long);
    out["role/" + role + "/unfinished"] = static_cast<double>(left.unfinished);
  }
  return out;
}

}  // namespace jade::train
