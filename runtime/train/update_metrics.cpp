#include "runtime/train/update_metrics.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "runtime/train/credit_view.h"

namespace jade::train {
namespace {

// Sums over counted tokens.
struct TokenSums {
  double transitions = 0;
  double count = 0, entropy = 0, kl_start = 0, kl_step = 0, clipped = 0, dual_clipped = 0, importance = 0;
  double mismatch = 0, mismatch_k3 = 0;
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

// Of the runs of a step or an evaluation.
struct RunSums {
  double runs = 0, reward = 0, f1 = 0, em = 0, accuracy = 0;
  double turns = 0, retrievals = 0, calls = 0, tokens = 0, prompt_tokens = 0;
  double failed = 0, retried = 0;
};

struct RoleSums {
  double calls = 0, valid = 0, tokens = 0, prompt = 0, penalty = 0, truncated = 0;
  double too_long = 0, unfinished = 0, left_out = 0;
};

// What is summed of each: all of its members.
constexpr std::array kTokenSums{&TokenSums::transitions,  &TokenSums::count,      &TokenSums::entropy,
                                &TokenSums::kl_start,     &TokenSums::kl_step,    &TokenSums::clipped,
                                &TokenSums::dual_clipped, &TokenSums::importance, &TokenSums::mismatch,
                                &TokenSums::mismatch_k3,  &TokenSums::error};
constexpr std::array kRunSums{&RunSums::runs,     &RunSums::reward,        &RunSums::f1,         &RunSums::em,
                              &RunSums::accuracy, &RunSums::turns,         &RunSums::retrievals, &RunSums::calls,
                              &RunSums::tokens,   &RunSums::prompt_tokens, &RunSums::failed,     &RunSums::retried};
constexpr std::array kRoleSums{&RoleSums::calls,    &RoleSums::valid,      &RoleSums::tokens,
                               &RoleSums::prompt,   &RoleSums::penalty,    &RoleSums::truncated,
                               &RoleSums::too_long, &RoleSums::unfinished, &RoleSums::left_out};

template <typename Sums, size_t N>
Status SumOver(Collective& collective, const std::array<double Sums::*, N>& members, std::span<Sums> all) {
  static_assert(sizeof(Sums) == N * sizeof(double), "a member is missing");
  std::vector<double> values;
  for (const Sums& sums : all) {
    for (const auto member : members) values.push_back(sums.*member);
  }
  JADE_TRY(collective.Sum(std::span<double>(values)));
  size_t place = 0;
  for (Sums& sums : all) {
    for (const auto member : members) sums.*member = values[place++];
  }
  return {};
}

double MismatchOf(const MetricsInput& input, size_t place) {
  return input.flat.rollout_log_probs[place] - input.tokens[place].old_log_prob;
}

void AddToken(const MetricsInput& input, size_t place, TokenSums* sums) {
  const TokenFigures& token = input.tokens[place];
  ++sums->count;
  sums->entropy += token.entropy;
  sums->kl_start += token.old_log_prob - token.reference_log_prob;
  sums->kl_step += token.kl;
  sums->clipped += token.clipped ? 1 : 0;
  sums->dual_clipped += token.dual_clipped ? 1 : 0;
  sums->importance += token.importance;
  const double difference = MismatchOf(input, place);
  sums->mismatch += std::abs(difference);
  sums->mismatch_k3 += std::expm1(-difference) + difference;
  const double error = token.value - input.estimates.returns[place];
  sums->error += error * error;
}

// 1 − variance of (return − value) over variance of returns.
Status AddExplainedVariance(const MetricsInput& input, Collective& collective, metrics::Scalars* out) {
  std::array<advantage::Moments, 2> both;  // of returns, of errors
  for (size_t i = 0; i < input.tokens.size(); ++i) {
    if (input.flat.counted[i] == 0) continue;
    both[0].Add(input.estimates.returns[i]);
    both[1].Add(input.estimates.returns[i] - input.tokens[i].value);
  }
  JADE_TRY(SumMoments(collective, std::span<advantage::Moments>(both)));
  const double variance = both[0].Variance();
  (*out)["value/explained_variance"] = variance > 0 ? 1.0 - both[1].Variance() / variance : 0.0;
  return {};
}

Status AddAdvantages(const MetricsInput& input, Collective& collective, metrics::Scalars* out) {
  std::vector<advantage::Moments> moments;
  std::vector<double> counts;
  for (const advantage::RoleStatistics& of : input.estimates.by_role) {
    moments.insert(moments.end(), {of.total, of.team, of.penalty, of.reward});
    counts.push_back(static_cast<double>(of.calls));
  }
  const advantage::Counts& own = input.estimates.counts;
  for (const auto count : {int64_t{own.counterfactual_calls}, int64_t{own.unreached_calls}, int64_t{own.groups.groups},
                           int64_t{own.groups.single_run}, int64_t{own.groups.flat}}) {
    counts.push_back(static_cast<double>(count));
  }
  JADE_TRY(SumMoments(collective, std::span<advantage::Moments>(moments)));
  JADE_TRY(collective.Sum(std::span<double>(counts)));
  const size_t roles = input.estimates.by_role.size();
  for (size_t role = 0; role < roles; ++role) {
    if (counts[role] == 0) continue;
    const std::string place = "role/" + input.batch.roles[role] + "/";
    const advantage::Moments* of = &moments[4 * role];  // total, team, penalty, reward
    (*out)[place + "advantage_mean"] = of[0].Mean();
    (*out)[place + "advantage_variance"] = of[0].Variance();
    (*out)[place + "advantage_variance_team"] = of[1].Variance();
    (*out)[place + "advantage_variance_penalty"] = of[2].Variance();
    (*out)[place + "reward"] = of[3].Mean();
  }
  if (counts[roles] > 0) (*out)["credit/counterfactual_calls"] = counts[roles];
  if (counts[roles + 1] > 0) (*out)["credit/unreached_calls"] = counts[roles + 1];
  if (counts[roles + 2] > 0) {
    (*out)["credit/groups"] = counts[roles + 2];
    (*out)["credit/groups_of_one_run"] = counts[roles + 3];
    (*out)["credit/groups_without_signal"] = counts[roles + 4];
  }
  return {};
}

RunSums SumsOfRuns(const rollout::Batch& batch) {
  RunSums sums;
  for (const rollout::Run& run : batch.runs) {
    ++sums.runs;
    sums.reward += run.reward;
    sums.f1 += run.f1;
    sums.em += run.em;
    sums.accuracy += run.accuracy;
    sums.turns += static_cast<double>(run.turns);
    sums.retrievals += static_cast<double>(run.retrievals);
    sums.calls += static_cast<double>(run.calls);
    sums.tokens += static_cast<double>(run.tokens);
    sums.prompt_tokens += static_cast<double>(run.prompt_tokens);
    sums.failed += run.status == trace::RunStatus::kDone ? 0 : 1;
  }
  sums.retried = static_cast<double>(batch.retried);
  return sums;
}

std::vector<RoleSums> SumsOfRoles(const rollout::Batch& batch) {
  std::vector<RoleSums> roles(batch.roles.size());
  for (const rollout::Transition& transition : batch.transitions) {
    RoleSums& role = roles[transition.role];
    ++role.calls;
    role.valid += transition.validity == trace::Validity::kValid ? 1 : 0;
    role.tokens += static_cast<double>(transition.action.size());
    role.prompt += static_cast<double>(transition.observation.size());
    role.penalty += transition.penalty;
    role.truncated += transition.truncated ? 1 : 0;
  }
  for (size_t i = 0; i < roles.size(); ++i) {
    const auto left = batch.left_out.find(batch.roles[i]);
    if (left == batch.left_out.end()) continue;
    roles[i].too_long = static_cast<double>(left->second.too_long);
    roles[i].unfinished = static_cast<double>(left->second.unfinished);
    roles[i].left_out = 1;
  }
  return roles;
}

}  // namespace

Result<metrics::Scalars> UpdateScalars(const MetricsInput& input, Collective& collective) {
  metrics::Scalars out;
  const size_t role_count = input.batch.roles.size();
  std::vector<TokenSums> sums(role_count + 1);  // by role, and of all
  TokenSums& all = sums.back();
  std::array<double, 1> mismatch_max{};
  for (size_t t = 0; t < input.flat.transitions.size(); ++t) {
    TokenSums& role = sums[input.flat.transitions[t]->role];
    ++role.transitions;
    for (int64_t i = input.flat.offsets[t]; i < input.flat.offsets[t + 1]; ++i) {
      const auto place = static_cast<size_t>(i);
      if (input.flat.counted[place] == 0) continue;
      AddToken(input, place, &role);
      AddToken(input, place, &all);
      mismatch_max[0] = std::max(mismatch_max[0], std::abs(MismatchOf(input, place)));
    }
  }
  JADE_TRY(SumOver(collective, kTokenSums, std::span<TokenSums>(sums)));
  JADE_TRY(collective.Max(mismatch_max));
  for (size_t role = 0; role < role_count; ++role) {
    if (sums[role].transitions > 0) sums[role].Scalars("role/" + input.batch.roles[role] + "/", input, &out);
  }
  all.Scalars("policy/", input, &out);
  const double n = std::max(all.count, 1.0);
  out["policy/importance"] = all.importance / n;
  out["train/mismatch_kl"] = all.mismatch_k3 / n;
  out["train/mismatch_mean"] = all.mismatch / n;
  out["train/mismatch_max"] = mismatch_max[0];
  if (input.has_values) JADE_TRY(AddExplainedVariance(input, collective, &out));
  JADE_TRY(AddAdvantages(input, collective, &out));
  return out;
}

Result<metrics::Scalars> RolloutScalars(const rollout::Batch& batch, Collective& collective) {
  std::array<RunSums, 1> whole{SumsOfRuns(batch)};
  std::vector<RoleSums> roles = SumsOfRoles(batch);
  JADE_TRY(SumOver(collective, kRunSums, std::span<RunSums>(whole)));
  JADE_TRY(SumOver(collective, kRoleSums, std::span<RoleSums>(roles)));
  metrics::Scalars out;
  const RunSums& sums = whole[0];
  const double runs = std::max(1.0, sums.runs);
  out["reward/mean"] = sums.reward / runs;
  out["reward/f1"] = sums.f1 / runs;
  out["reward/em"] = sums.em / runs;
  out["reward/accuracy"] = sums.accuracy / runs;
  out["run/turns"] = sums.turns / runs;
  out["run/retrievals"] = sums.retrievals / runs;
  out["run/calls"] = sums.calls / runs;
  out["run/tokens"] = sums.tokens / runs;
  out["run/prompt_tokens"] = sums.prompt_tokens / runs;
  out["run/failed"] = sums.failed / runs;
  out["run/retried"] = sums.retried;
  for (size_t i = 0; i < roles.size(); ++i) {
    const RoleSums& role = roles[i];
    const std::string place = "role/" + batch.roles[i] + "/";
    if (role.calls > 0) {
      out[place + "calls"] = role.calls / runs;
      out[place + "valid"] = role.valid / role.calls;
      out[place + "length"] = role.tokens / role.calls;
      out[place + "prompt_length"] = role.prompt / role.calls;
      out[place + "penalty"] = role.penalty / role.calls;
      out[place + "truncated"] = role.truncated / role.calls;
    }
    if (role.left_out > 0) {
      out[place + "too_long"] = role.too_long;
      out[place + "unfinished"] = role.unfinished;
    }
  }
  return out;
}

}  // namespace jade::train
