#pragma once
// Settings of rewards, advantages and loss, with the names they have in the training YAML (docs/algorithms.md). The
// defaults are those of the published method. Plain values, any thread.

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "compiler/result/result.h"

namespace jade::advantage {

enum class Estimator {
  kGae,                // `gae`
  kGrpo,               // `grpo`
  kRloo,               // `rloo`
  kReinforce,          // `reinforce++`
  kReinforceBaseline,  // `reinforce++-baseline`
  kGraphGae,           // `graph-gae`
};

enum class Whitening { kBatch, kRole, kNone };  // `batch`, `role`, `none`

// How per-token losses become one number (loss_weights.h).
enum class LossAggregation {
  kTokenMean,     // `token-mean`
  kSeqMean,       // `seq-mean`
  kCallMean,      // `call-mean`
  kQuestionMean,  // `question-mean`
};

enum class KlPlace { kNone, kReward, kLoss };  // `none`, `reward`, `loss`
enum class KlEstimator { kK1, kK2, kK3 };      // `k1`, `k2`, `k3`

// How one role's advantages are estimated.
struct EstimatorOptions {
  Estimator estimator = Estimator::kGae;
  double gamma = 1.0;         // discount from one counted token to the one before; GAE, reinforce++, value targets
  double lambda = 1.0;        // GAE
  double gamma_graph = 1.0;   // along an edge of the data-flow graph; graph-gae
  double lambda_graph = 1.0;  // the same
  bool divide_by_std = true;  // GRPO; false is Dr. GRPO
  double epsilon = 1e-6;      // added to the standard deviation of a group
};

struct AdaptiveKl {
  double target = 6.0;
  double horizon = 10000.0;  // in calls
};

struct KlOptions {
  KlPlace in = KlPlace::kNone;
  KlEstimator estimator = KlEstimator::kK1;
  double coefficient = 0.001;          // under `adaptive` the trainer keeps this at KlController::coefficient
  std::optional<AdaptiveKl> adaptive;  // empty: a fixed coefficient
};

struct Options {
  EstimatorOptions defaults;
  std::map<int32_t, EstimatorOptions> by_role;  // role index → whole replacement of `defaults`
  double penalty_scale = 1.0;
  KlOptions kl;
  Whitening whiten = Whitening::kBatch;
  // The baseline of a call with alternatives: the mean of the alternatives, or of them and itself.
  bool counterfactual_includes_own = false;

  const EstimatorOptions& For(int32_t role) const {
    const auto found = by_role.find(role);
    return found == by_role.end() ? defaults : found->second;
  }
};

// Ranges: discounts within [0, 1], scales and coefficients finite and ≥ 0, target and horizon > 0. kInvalidArgument
// names the key.
Status CheckOptions(const Options& options);

// From and to the names above; an unknown name is kInvalidArgument and lists the known ones.
Result<Estimator> ParseEstimator(std::string_view name);
Result<Whitening> ParseWhitening(std::string_view name);
Result<LossAggregation> ParseLossAggregation(std::string_view name);
Result<KlPlace> ParseKlPlace(std::string_view name);
Result<KlEstimator> ParseKlEstimator(std::string_view name);
std::string_view Name(Estimator value);
std::string_view Name(Whitening value);
std::string_view Name(LossAggregation value);
std::string_view Name(KlPlace value);
std::string_view Name(KlEstimator value);

// gae and graph-gae need Batch::values.
inline bool NeedsValues(Estimator estimator) {
  return estimator == Estimator::kGae || estimator == Estimator::kGraphGae;
}

}  // namespace jade::advantage
