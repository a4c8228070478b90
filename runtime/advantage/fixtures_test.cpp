// Against numbers computed from the papers' formulas in Python (scripts/fixtures/advantages.py).

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/advantage/batch_fixtures.h"
#include "runtime/advantage/estimate.h"
#include "runtime/advantage/gae.h"
#include "runtime/advantage/graph_gae.h"
#include "runtime/advantage/loss_weights.h"
#include "runtime/advantage/policy_loss.h"
#include "runtime/advantage/rewards.h"

namespace jade::advantage {
namespace {

using Json = nlohmann::json;

constexpr double kExact = 1e-9;
constexpr double kSingle = 2e-6;  // of results that are kept in single precision

const Json& Cases(const char* name) {
  static const auto* const reference = [] {
    std::ifstream in(JADE_SOURCE_DIR "/tests/fixtures/advantage/reference.json");
    return new Json(Json::parse(in));
  }();
  const Json& cases = reference->at(name);
  EXPECT_FALSE(cases.empty());
  return cases;
}

template <typename T>
std::vector<T> Array(const Json& values) {
  return values.get<std::vector<T>>();
}

template <typename Actual>
void ExpectNear(const Actual& actual, const Json& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    EXPECT_NEAR(actual[i], expected[i].get<double>(), tolerance) << "entry " << i;
  }
}

// Calls of one run and role, of the lengths given.
OwnedBatch CallsOf(const Json& item) {
  OwnedBatch batch;
  const auto lengths = Array<size_t>(item.at("lengths"));
  const auto counted = Array<uint8_t>(item.at("counted"));
  auto next = counted.begin();
  for (const size_t length : lengths) {
    OwnedBatch::Call call;
    call.counted.assign(next, next + static_cast<std::ptrdiff_t>(length));
    next += static_cast<std::ptrdiff_t>(length);
    batch.Add(call);
  }
  return batch;
}

TEST(FixturesTest, Gae) {
  for (const Json& item : Cases("gae")) {
    const auto counted = Array<uint8_t>(item.at("counted"));
    const auto values = Array<float>(item.at("values"));
    const auto kl = Array<double>(item.at("kl"));
    const GaeInput input{.counted = counted,
                         .values = values,
                         .kl = kl,
                         .shared_reward = item.at("team"),
                         .local_reward = -item.at("penalty").get<double>(),
                         .next = {},
                         .gamma = item.at("gamma"),
                         .lambda = item.at("lambda")};
    std::vector<double> advantages(counted.size());
    std::vector<double> returns(counted.size());
    Gae(input, advantages, returns);
    ExpectNear(advantages, item.at("advantages"), kExact);
    ExpectNear(returns, item.at("returns"), kExact);
    RewardToGo(counted, kl, input.shared_reward + input.local_reward, input.gamma, returns);
    ExpectNear(returns, item.at("reward_to_go"), kExact);
  }
}

TEST(FixturesTest, GraphGae) {
  for (const Json& item : Cases("graph_gae")) {
    OwnedBatch owned = CallsOf(item);
    owned.values = Array<float>(item.at("values"));
    owned.penalty = Array<double>(item.at("penalty"));
    owned.team.assign(owned.size(), item.at("team").get<double>());
    owned.users = item.at("users").get<std::vector<std::vector<int32_t>>>();
    owned.in_result = Array<uint8_t>(item.at("in_result"));
    Options options;
    options.defaults = {.estimator = Estimator::kGraphGae,
                        .gamma = item.at("gamma"),
                        .lambda = item.at("lambda"),
                        .gamma_graph = item.at("gamma_graph"),
                        .lambda_graph = item.at("lambda_graph")};
    const Batch batch = owned.View();
    ASSERT_TRUE(CheckBatch(batch).ok());
    const auto graph = EstimateGraphGae(batch, options, MakeRewards(batch, options).value());
    ASSERT_TRUE(graph.ok()) << graph.error().ToString();
    ExpectNear(graph->advantages, item.at("advantages"), kExact);
    ExpectNear(graph->returns, item.at("returns"), kExact);
    EXPECT_EQ(graph->unreached, item.at("unreached").get<int64_t>());
  }
}

OwnedBatch GroupCalls(const Json& item) {
  OwnedBatch owned;
  for (size_t i = 0; i < item.at("rewards").size(); ++i) {
    owned.Add({.question = item.at("question")[i],
               .run = item.at("run")[i],
               .site = item.at("site")[i],
               .team = item.at("rewards")[i],
               .counted = std::vector<uint8_t>(item.at("tokens")[i].get<size_t>(), 1)});
  }
  return owned;
}

TEST(FixturesTest, Groups) {
  for (const Json& item : Cases("groups")) {
    OwnedBatch owned = GroupCalls(item);
    const auto estimate = [&](Estimator estimator, bool divide) {
      Options options;
      options.whiten = Whitening::kNone;
      options.defaults.estimator = estimator;
      options.defaults.divide_by_std = divide;
      auto estimates = EstimateAdvantages(owned.View(), options);
      EXPECT_TRUE(estimates.ok()) << estimates.error().ToString();
      EXPECT_EQ(estimates->counts.groups.fallback_calls, 0);
      return std::move(estimates).value();
    };
    ExpectNear(estimate(Estimator::kGrpo, true).call_advantages, item.at("grpo"), kExact);
    ExpectNear(estimate(Estimator::kGrpo, false).call_advantages, item.at("grpo_undivided"), kExact);
    ExpectNear(estimate(Estimator::kRloo, true).call_advantages, item.at("rloo"), kExact);
    ExpectNear(estimate(Estimator::kReinforceBaseline, true).advantages, item.at("reinforce_baseline"), kSingle);
  }
}

TEST(FixturesTest, Reinforce) {
  for (const Json& item : Cases("reinforce")) {
    OwnedBatch owned = CallsOf(item);
    owned.log_probs = Array<float>(item.at("log_probs"));
    owned.reference = Array<float>(item.at("reference"));
    owned.team = Array<double>(item.at("team"));
    owned.penalty = Array<double>(item.at("penalty"));
    Options options;
    options.defaults = {.estimator = Estimator::kReinforce, .gamma = item.at("gamma")};
    options.kl = {
        .in = KlPlace::kReward, .estimator = KlEstimator::kK1, .coefficient = item.at("coefficient"), .adaptive = {}};
    for (const Whitening whiten : {Whitening::kBatch, Whitening::kNone}) {
      options.whiten = whiten;
      const auto estimates = EstimateAdvantages(owned.View(), options);
      ASSERT_TRUE(estimates.ok()) << estimates.error().ToString();
      ExpectNear(estimates->returns, item.at("returns"), kSingle);
      ExpectNear(estimates->advantages, item.at("advantages"), kSingle);
    }
  }
}

TEST(FixturesTest, Whitening) {
  for (const Json& item : Cases("whiten")) {
    OwnedBatch owned = CallsOf(item);
    owned.roles = 3;
    owned.role = Array<int32_t>(item.at("role"));
    owned.values = Array<float>(item.at("values"));
    owned.team = Array<double>(item.at("team"));
    const std::pair<Whitening, const char*> modes[] = {
        {Whitening::kNone, "none"}, {Whitening::kBatch, "batch"}, {Whitening::kRole, "by_role"}};
    for (const auto& [mode, key] : modes) {
      Options options;
      options.whiten = mode;
      const auto estimates = EstimateAdvantages(owned.View(), options);
      ASSERT_TRUE(estimates.ok()) << estimates.error().ToString();
      ExpectNear(estimates->advantages, item.at(key), kSingle);
    }
  }
}

TEST(FixturesTest, PolicyLoss) {
  int clipped = 0;
  int dual_clipped = 0;
  for (const Json& item : Cases("policy")) {
    const PolicyLossOptions<double> options{.clip_low = item.at("clip_low"),
                                            .clip_high = item.at("clip_high"),
                                            .dual_clip = item.at("dual_clip"),
                                            .importance_cap = item.at("cap"),
                                            .kl_coefficient = item.at("kl_coefficient"),
                                            .kl_estimator = ParseKlEstimator(item.at("kl").get<std::string>()).value(),
                                            .entropy_coefficient = item.at("entropy_coefficient")};
    const PolicyToken<double> token{.log_prob = item.at("log_prob"),
                                    .old_log_prob = item.at("old"),
                                    .advantage = item.at("advantage"),
                                    .rollout_log_prob = item.at("rollout"),
                                    .reference_log_prob = item.at("reference"),
                                    .entropy = item.at("entropy")};
    const auto loss = PolicyTokenLoss(token, options);
    const double scale = std::max(1.0, std::abs(item.at("loss").get<double>()));
    EXPECT_NEAR(loss.loss, item.at("loss").get<double>(), kExact * scale) << item;
    EXPECT_NEAR(loss.d_log_prob, item.at("d_log_prob").get<double>(), kExact * scale) << item;
    EXPECT_NEAR(loss.ratio, item.at("ratio").get<double>(), kExact * loss.ratio) << item;
    EXPECT_EQ(loss.clipped, item.at("clipped").get<bool>()) << item;
    EXPECT_EQ(loss.dual_clipped, item.at("dual_clipped").get<bool>()) << item;
    clipped += loss.clipped ? 1 : 0;
    dual_clipped += loss.dual_clipped ? 1 : 0;
  }
  EXPECT_GE(clipped, 20);
  EXPECT_GE(dual_clipped, 5);
}

TEST(FixturesTest, ValueLoss) {
  for (const Json& item : Cases("value")) {
    const auto loss = ValueTokenLoss<double>(item.at("value"), item.at("old"), item.at("target"), item.at("clip"));
    EXPECT_NEAR(loss.loss, item.at("loss").get<double>(), kExact) << item;
    EXPECT_NEAR(loss.d_value, item.at("d_value").get<double>(), kExact) << item;
  }
}

TEST(FixturesTest, Kl) {
  for (const Json& item : Cases("kl")) {
    const auto term = EstimateKl<double>(ParseKlEstimator(item.at("kl").get<std::string>()).value(),
                                         item.at("log_prob"), item.at("reference"));
    EXPECT_NEAR(term.value, item.at("value").get<double>(), kExact) << item;
    EXPECT_NEAR(term.d_log_prob, item.at("d_log_prob").get<double>(), kExact) << item;
  }
}

TEST(FixturesTest, LossAggregation) {
  for (const Json& item : Cases("aggregation")) {
    OwnedBatch owned = CallsOf(item);
    owned.question = Array<int64_t>(item.at("question"));
    const auto losses = Array<double>(item.at("losses"));
    const Batch batch = owned.View();
    std::vector<int32_t> all(owned.size());
    std::iota(all.begin(), all.end(), 0);
    for (const auto& [name, expected] : item.at("expected").items()) {
      const auto weights = CallWeights(batch, all, ParseLossAggregation(name).value(), {}, CountLossUnits(batch, all));
      ASSERT_TRUE(weights.ok()) << weights.error().ToString();
      double loss = 0.0;
      for (size_t t = 0; t < owned.size(); ++t) {
        for (size_t i = batch.begin(t); i < batch.end(t); ++i) loss += batch.counted[i] * (*weights)[t] * losses[i];
      }
      EXPECT_NEAR(loss, expected.get<double>(), kExact) << name;
    }
  }
}

}  // namespace
}  // namespace jade::advantage
