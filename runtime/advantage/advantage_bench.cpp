// Milliseconds of EstimateAdvantages and of the loss weights on a batch of a million tokens.

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "runtime/advantage/batch_fixtures.h"
#include "runtime/advantage/estimate.h"
#include "runtime/advantage/loss_weights.h"

namespace jade::advantage {
namespace {

template <typename Function>
double Milliseconds(Function&& function) {
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = std::chrono::steady_clock::now();
    function();
    best = std::min(best, std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

int Main() {
  OwnedBatch owned = RandomBatch(1, 9000, 8);
  const Batch batch = owned.View();
  fmt::print("{} tokens, {} transitions\n", batch.tokens(), batch.transitions());
  bool good = true;
  for (const Estimator estimator : {Estimator::kGae, Estimator::kGraphGae, Estimator::kGrpo, Estimator::kReinforce}) {
    for (const KlPlace place : {KlPlace::kNone, KlPlace::kReward}) {
      Options options;
      options.defaults.estimator = estimator;
      options.kl = {.in = place, .estimator = KlEstimator::kK3, .adaptive = {}};
      const double time = Milliseconds([&] { good &= EstimateAdvantages(batch, options).ok(); });
      fmt::print("{:<12} kl in {:<6} {:7.1f} ms\n", Name(estimator), Name(place), time);
    }
  }
  const std::vector<int32_t> all = Shuffled(owned.size(), 2);
  for (const LossAggregation mode : {LossAggregation::kTokenMean, LossAggregation::kQuestionMean}) {
    const double time = Milliseconds([&] {
      const auto weights = CallWeights(batch, all, mode, {}, CountLossUnits(batch, all));
      good &= weights.ok() && TokenWeights(batch, all, *weights).size() == batch.tokens();
    });
    fmt::print("{:<25} {:7.1f} ms\n", Name(mode), time);
  }
  return good ? 0 : 1;
}

}  // namespace
}  // namespace jade::advantage

int main() {
  return jade::advantage::Main();
}
