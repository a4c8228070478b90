#include "runtime/advantage/options.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string>

namespace jade::advantage {
namespace {

template <typename T>
struct Named {
  std::string_view name;
  T value;
};

constexpr std::array kEstimators{
    Named<Estimator>{"gae", Estimator::kGae},
    Named<Estimator>{"grpo", Estimator::kGrpo},
    Named<Estimator>{"rloo", Estimator::kRloo},
    Named<Estimator>{"reinforce++", Estimator::kReinforce},
    Named<Estimator>{"reinforce++-baseline", Estimator::kReinforceBaseline},
    Named<Estimator>{"graph-gae", Estimator::kGraphGae},
};
constexpr std::array kWhitenings{
    Named<Whitening>{"batch", Whitening::kBatch},
    Named<Whitening>{"role", Whitening::kRole},
    Named<Whitening>{"none", Whitening::kNone},
};
constexpr std::array kAggregations{
    Named<LossAggregation>{"token-mean", LossAggregation::kTokenMean},
    Named<LossAggregation>{"seq-mean", LossAggregation::kSeqMean},
    Named<LossAggregation>{"call-mean", LossAggregation::kCallMean},
    Named<LossAggregation>{"question-mean", LossAggregation::kQuestionMean},
};
constexpr std::array kKlPlaces{
    Named<KlPlace>{"none", KlPlace::kNone},
    Named<KlPlace>{"reward", KlPlace::kReward},
    Named<KlPlace>{"loss", KlPlace::kLoss},
};
constexpr std::array kKlEstimators{
    Named<KlEstimator>{"k1", KlEstimator::kK1},
    Named<KlEstimator>{"k2", KlEstimator::kK2},
    Named<KlEstimator>{"k3", KlEstimator::kK3},
};

template <typename Table>
auto Parse(const Table& table, std::string_view what, std::string_view name) -> Result<decltype(table.front().value)> {
  std::string known;
  for (const auto& entry : table) {
    if (entry.name == name) return entry.value;
    known += fmt::format("{}`{}`", known.empty() ? "" : ", ", entry.name);
  }
  return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is no {}; there are {}", name, what, known));
}

template <typename Table, typename T>
std::string_view NameIn(const Table& table, T value) {
  for (const auto& entry : table) {
    if (entry.value == value) return entry.name;
  }
  JADE_UNREACHABLE("an enumerator without a name: {}", static_cast<int>(value));
}

Status CheckRange(std::string_view key, double value, double low, double high) {
  if (value >= low && value <= high) return {};
  return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` is {}; it lies within {} and {}", key, value, low, high));
}

constexpr double kLargest = 1e9;

Status CheckEstimator(const EstimatorOptions& options) {
  JADE_TRY(CheckRange("gamma", options.gamma, 0.0, 1.0));
  JADE_TRY(CheckRange("lambda", options.lambda, 0.0, 1.0));
  JADE_TRY(CheckRange("gamma_graph", options.gamma_graph, 0.0, 1.0));
  JADE_TRY(CheckRange("lambda_graph", options.lambda_graph, 0.0, 1.0));
  return CheckRange("epsilon", options.epsilon, 0.0, 1.0);
}

}  // namespace

Status CheckOptions(const Options& options) {
  JADE_TRY(CheckEstimator(options.defaults));
  for (const auto& [role, own] : options.by_role) {
    if (auto status = CheckEstimator(own); !status.ok()) {
      Error error = status.error();
      return std::move(error).Wrap(fmt::format("estimator of role {}", role));
    }
  }
  JADE_TRY(CheckRange("penalty_scale", options.penalty_scale, 0.0, kLargest));
  JADE_TRY(CheckRange("kl.coefficient", options.kl.coefficient, 0.0, kLargest));
  if (options.kl.adaptive) {
    JADE_TRY(CheckRange("kl.adaptive.target", options.kl.adaptive->target, 1e-9, kLargest));
    JADE_TRY(CheckRange("kl.adaptive.horizon", options.kl.adaptive->horizon, 1.0, 1e15));
  }
  return {};
}

Result<Estimator> ParseEstimator(std::string_view name) {
  return Parse(kEstimators, "estimator", name);
}
Result<Whitening> ParseWhitening(std::string_view name) {
  return Parse(kWhitenings, "whitening", name);
}
Result<LossAggregation> ParseLossAggregation(std::string_view name) {
  return Parse(kAggregations, "aggregation of the loss", name);
}
Result<KlPlace> ParseKlPlace(std::string_view name) {
  return Parse(kKlPlaces, "place of the KL term", name);
}
Result<KlEstimator> ParseKlEstimator(std::string_view name) {
  return Parse(kKlEstimators, "estimator of the KL divergence", name);
}

std::string_view Name(Estimator value) {
  return NameIn(kEstimators, value);
}
std::string_view Name(Whitening value) {
  return NameIn(kWhitenings, value);
}
std::string_view Name(LossAggregation value) {
  return NameIn(kAggregations, value);
}
std::string_view Name(KlPlace value) {
  return NameIn(kKlPlaces, value);
}
std::string_view Name(KlEstimator value) {
  return NameIn(kKlEstimators, value);
}

}  // namespace jade::advantage
