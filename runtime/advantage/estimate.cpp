#include "runtime/advantage/estimate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "runtime/advantage/counterfactual.h"
#include "runtime/advantage/gae.h"
#include "runtime/advantage/graph_gae.h"
#include "runtime/advantage/rewards.h"

namespace jade::advantage {
namespace {

Error Wrong(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

Status CheckInput(const Batch& batch, const Options& options) {
  JADE_TRY(CheckBatch(batch));
  JADE_TRY(CheckOptions(options));
  for (const auto& [role, own] : options.by_role) {
    if (role < 0 || role >= batch.roles) {
      return Wrong(fmt::format("options: an estimator for role {}; the batch has {} roles", role, batch.roles));
    }
  }
  if (!batch.values.empty() || batch.tokens() == 0) return {};
  for (const int32_t role : batch.role) {
    if (const Estimator estimator = options.For(role).estimator; NeedsValues(estimator)) {
      return Wrong(
          fmt::format("batch: `{}` of role {} needs `values` of a critic; compute them, or choose an estimator "
                      "of groups",
                      Name(estimator), role));
    }
  }
  return {};
}

// The advantages of one transition, and what its statistics need.
struct CallEstimate {
  std::span<double> advantages;
  std::span<double> returns;
  // The parts at the last counted token; one counted token earlier each is `decay` times that.
  double team = 0.0;
  double penalty = 0.0;
  double decay = 1.0;
};

class Estimation {
 public:
  Estimation(const Batch& batch, const Options& options) : batch_(batch), options_(options) {}

  Status Run(std::span<const RoleRewards> by_role);
  RawEstimates Take() { return std::move(raw_); }

 private:
  std::span<const uint8_t> Counted(size_t t) const {
    return batch_.counted.subspan(batch_.begin(t), batch_.end(t) - batch_.begin(t));
  }
  std::span<const double> Kl(size_t t) const {
    if (rewards_.kl.empty()) return {};
    return std::span(rewards_.kl).subspan(batch_.begin(t), batch_.end(t) - batch_.begin(t));
  }
  double LastReward(size_t t) const { return rewards_.team[t] - rewards_.penalty[t]; }

  CallEstimate Estimate(size_t t);
  void EstimateGae(size_t t, const EstimatorOptions& own, CallEstimate* call) const;
  void CopyGraph(size_t t, const EstimatorOptions& own, CallEstimate* call) const;
  void EstimateReturns(size_t t, const EstimatorOptions& own, CallEstimate* call) const;
  void Spread(size_t t, double advantage, CallEstimate* call) const;
  void ApplyAlternatives(size_t t, CallEstimate* call);
  void Record(size_t t, const CallEstimate& call);

  const Batch& batch_;
  const Options& options_;
  Rewards rewards_;
  std::optional<GraphGae> graph_;
  GroupEstimates groups_;
  std::vector<double> advantages_;  // of one transition
  std::vector<double> returns_;
  RawEstimates raw_;
};

void Estimation::EstimateGae(size_t t, const EstimatorOptions& own, CallEstimate* call) const {
  const GaeInput input{.counted = Counted(t),
                       .values = batch_.values.subspan(batch_.begin(t), call->advantages.size()),
                       .kl = Kl(t),
                       .shared_reward = rewards_.team[t],
                       .local_reward = -rewards_.penalty[t],
                       .next = {},
                       .gamma = own.gamma,
                       .lambda = own.lambda};
  Gae(input, call->advantages, call->returns);
  call->decay = own.gamma * own.lambda;
}

void Estimation::CopyGraph(size_t t, const EstimatorOptions& own, CallEstimate* call) const {
  const auto begin = static_cast<std::ptrdiff_t>(batch_.begin(t));
  std::copy_n(graph_->advantages.begin() + begin, call->advantages.size(), call->advantages.begin());
  std::copy_n(graph_->returns.begin() + begin, call->returns.size(), call->returns.begin());
  call->team = graph_->team_at_last[t];
  call->decay = own.gamma * own.lambda;
}

void Estimation::EstimateReturns(size_t t, const EstimatorOptions& own, CallEstimate* call) const {
  RewardToGo(Counted(t), Kl(t), LastReward(t), own.gamma, call->returns);
}

void Estimation::Spread(size_t t, double advantage, CallEstimate* call) const {
  const auto counted = Counted(t);
  for (size_t i = 0; i < counted.size(); ++i) call->advantages[i] = counted[i] != 0 ? advantage : 0.0;
  call->decay = 1.0;
}

void Estimation::ApplyAlternatives(size_t t, CallEstimate* call) {
  if (Alternatives(batch_, t) == 0) return;
  const AlternativeMean mean = CounterfactualBaseline(batch_, options_, rewards_, t);
  Spread(t, rewards_.whole[t] - mean.whole, call);
  call->team = rewards_.team[t] - mean.team;
  call->penalty = mean.penalty - rewards_.penalty[t];
  ++raw_.estimates.counts.counterfactual_calls;
}

CallEstimate Estimation::Estimate(size_t t) {
  const size_t length = batch_.end(t) - batch_.begin(t);
  if (advantages_.size() < length) {
    advantages_.resize(length);
    returns_.resize(length);
  }
  CallEstimate call{.advantages = std::span(advantages_).first(length),
                    .returns = std::span(returns_).first(length),
                    .team = rewards_.team[t],
                    .penalty = -rewards_.penalty[t]};
  const EstimatorOptions& own = options_.For(batch_.role[t]);
  switch (own.estimator) {
    case Estimator::kGae:
      EstimateGae(t, own, &call);
      break;
    case Estimator::kGraphGae:
      CopyGraph(t, own, &call);
      if (graph_->reached[t] == 0) ++raw_.estimates.counts.unreached_calls;
      break;
    case Estimator::kReinforce:
      EstimateReturns(t, own, &call);
      std::copy(call.returns.begin(), call.returns.end(), call.advantages.begin());
      call.decay = own.gamma;
      break;
    case Estimator::kGrpo:
    case Estimator::kRloo:
    case Estimator::kReinforceBaseline: {
      const GroupEstimate& group = groups_.estimates[t];
      EstimateReturns(t, own, &call);
      Spread(t, group.scale * (rewards_.whole[t] - group.baseline), &call);
      call.team = group.scale * (rewards_.team[t] - group.team_baseline);
      call.penalty = group.scale * (group.penalty_baseline - rewards_.penalty[t]);
      break;
    }
  }
  ApplyAlternatives(t, &call);
  return call;
}

void Estimation::Record(size_t t, const CallEstimate& call) {
  const auto counted = Counted(t);
  RoleStatistics& role = raw_.estimates.by_role[static_cast<size_t>(batch_.role[t])];
  Moments own;
  double decay = 1.0;
  for (size_t i = counted.size(); i-- > 0;) {
    const size_t token = batch_.begin(t) + i;
    raw_.estimates.advantages[token] = static_cast<float>(call.advantages[i]);
    raw_.estimates.returns[token] = static_cast<float>(call.returns[i]);
    if (counted[i] == 0) continue;
    own.Add(call.advantages[i]);
    role.team.Add(decay * call.team);
    role.penalty.Add(decay * call.penalty);
    decay *= call.decay;
  }
  role.total.Add(own);
  role.reward.Add(rewards_.whole[t]);
  ++role.calls;
  if (own.count == 0.0) ++raw_.estimates.counts.empty_calls;
  raw_.estimates.call_advantages[t] = own.Mean();
  if (const int32_t group = WhiteningGroup(options_, batch_.role[t]); group >= 0) {
    raw_.whitening[static_cast<size_t>(group)].Add(own);
  }
}

Status Estimation::Run(std::span<const RoleRewards> by_role) {
  JADE_ASSIGN_OR_RETURN(rewards_, MakeRewards(batch_, options_));
  const auto uses = [this](auto&& predicate) {
    return std::any_of(batch_.role.begin(), batch_.role.end(),
                       [&](int32_t role) { return predicate(options_.For(role).estimator); });
  };
  if (batch_.tokens() > 0 && uses([](Estimator estimator) { return estimator == Estimator::kGraphGae; })) {
    JADE_ASSIGN_OR_RETURN(graph_, EstimateGraphGae(batch_, options_, rewards_));
  }
  if (uses(UsesGroups)) groups_ = EstimateGroups(batch_, options_, rewards_, by_role);
  Estimates& out = raw_.estimates;
  out.advantages.resize(batch_.tokens());
  out.returns.resize(batch_.tokens());
  out.call_advantages.resize(batch_.transitions());
  out.by_role.resize(static_cast<size_t>(batch_.roles));
  out.kl = rewards_.divergence;
  out.counts.groups = groups_.counts;
  raw_.whitening.resize(static_cast<size_t>(WhiteningGroups(options_, batch_.roles)));
  for (size_t t = 0; t < batch_.transitions(); ++t) Record(t, Estimate(t));
  out.call_rewards = std::move(rewards_.whole);
  return {};
}

}  // namespace

int32_t WhiteningGroup(const Options& options, int32_t role) {
  switch (options.whiten) {
    case Whitening::kBatch:
      return 0;
    case Whitening::kRole:
      return role;
    case Whitening::kNone:
      break;
  }
  const Estimator estimator = options.For(role).estimator;
  if (estimator == Estimator::kReinforce) return 0;
  return estimator == Estimator::kReinforceBaseline ? 1 : -1;
}

int32_t WhiteningGroups(const Options& options, int32_t roles) {
  switch (options.whiten) {
    case Whitening::kBatch:
      return 1;
    case Whitening::kRole:
      return roles;
    case Whitening::kNone:
      break;
  }
  return 2;
}

Result<std::vector<RoleRewards>> RewardMoments(const Batch& batch, const Options& options) {
  JADE_TRY(CheckInput(batch, options));
  JADE_ASSIGN_OR_RETURN(const Rewards rewards, MakeRewards(batch, options));
  return SumByRole(batch, rewards);
}

Result<RawEstimates> EstimateRaw(const Batch& batch, const Options& options, std::span<const RoleRewards> by_role) {
  JADE_TRY(CheckInput(batch, options));
  if (by_role.size() != static_cast<size_t>(batch.roles)) {
    return Wrong(fmt::format("rewards of {} roles for a batch of {}", by_role.size(), batch.roles));
  }
  Estimation estimation(batch, options);
  JADE_TRY(estimation.Run(by_role));
  return estimation.Take();
}

Result<Estimates> Whiten(const Batch& batch, const Options& options, RawEstimates raw,
                         std::span<const Moments> whitening) {
  const auto groups = static_cast<size_t>(WhiteningGroups(options, batch.roles));
  if (whitening.size() != groups || raw.estimates.advantages.size() != batch.tokens()) {
    return Wrong(fmt::format("whitening: {} groups and {} tokens where the batch has {} and {}", whitening.size(),
                             raw.estimates.advantages.size(), groups, batch.tokens()));
  }
  for (size_t t = 0; t < batch.transitions(); ++t) {
    const int32_t group = WhiteningGroup(options, batch.role[t]);
    if (group < 0) continue;
    const Moments& moments = whitening[static_cast<size_t>(group)];
    const double mean = moments.Mean();
    const double scale = 1.0 / std::sqrt(moments.Variance() + kWhitenEpsilon);
    for (size_t i = batch.begin(t); i < batch.end(t); ++i) {
      float& advantage = raw.estimates.advantages[i];
      if (batch.counted[i] != 0) advantage = static_cast<float>((static_cast<double>(advantage) - mean) * scale);
    }
  }
  return std::move(raw.estimates);
}

Result<Estimates> EstimateAdvantages(const Batch& batch, const Options& options) {
  JADE_ASSIGN_OR_RETURN(const std::vector<RoleRewards> by_role, RewardMoments(batch, options));
  JADE_ASSIGN_OR_RETURN(RawEstimates raw, EstimateRaw(batch, options, by_role));
  const std::vector<Moments> whitening = raw.whitening;
  return Whiten(batch, options, std::move(raw), whitening);
}

}  // namespace jade::advantage
