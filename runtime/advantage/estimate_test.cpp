#include "runtime/advantage/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "runtime/advantage/batch_fixtures.h"

namespace jade::advantage {
namespace {

using testing::HasSubstr;

constexpr Estimator kEstimators[] = {
    Estimator::kGae,     Estimator::kGrpo, Estimator::kRloo, Estimator::kReinforce, Estimator::kReinforceBaseline,
    Estimator::kGraphGae};
constexpr Whitening kWhitenings[] = {Whitening::kBatch, Whitening::kRole, Whitening::kNone};

Estimates Estimate(OwnedBatch* owned, const Options& options) {
  auto estimates = EstimateAdvantages(owned->View(), options);
  EXPECT_TRUE(estimates.ok()) << estimates.error().ToString();
  return std::move(estimates).value();
}

// Discounts that are none of them 1, KL in the reward, role 2 with an estimator of its own.
Options Everything(Estimator estimator, Whitening whiten) {
  Options options;
  options.defaults = {.estimator = estimator, .gamma = 0.98, .lambda = 0.9, .gamma_graph = 0.95, .lambda_graph = 0.8};
  options.by_role[2] = {.estimator = Estimator::kRloo};
  options.penalty_scale = 0.5;
  options.kl = {.in = KlPlace::kReward, .estimator = KlEstimator::kK3, .coefficient = 0.05, .adaptive = {}};
  options.whiten = whiten;
  return options;
}

void ExpectSame(const Moments& left, const Moments& right) {
  EXPECT_DOUBLE_EQ(left.count, right.count);
  EXPECT_NEAR(left.sum, right.sum, 1e-9 * (1.0 + std::abs(right.sum)));
  EXPECT_NEAR(left.sum_squares, right.sum_squares, 1e-9 * (1.0 + right.sum_squares));
}

class EveryEstimator : public testing::TestWithParam<std::tuple<Estimator, Whitening>> {
 protected:
  Options options_ = Everything(std::get<0>(GetParam()), std::get<1>(GetParam()));
};

TEST_P(EveryEstimator, ShufflingTransitionsPermutesTheResults) {
  OwnedBatch owned = RandomBatch(11, 6, 3);
  const auto order = Shuffled(owned.size(), 12);
  OwnedBatch shuffled = owned.Picked(order);
  const Estimates before = Estimate(&owned, options_);
  const Estimates after = Estimate(&shuffled, options_);
  for (size_t i = 0; i < order.size(); ++i) {
    const auto from = static_cast<size_t>(order[i]);
    EXPECT_NEAR(after.call_advantages[i], before.call_advantages[from], 1e-9);
    EXPECT_NEAR(after.call_rewards[i], before.call_rewards[from], 1e-12);
    const auto length = owned.offsets[from + 1] - owned.offsets[from];
    for (int64_t k = 0; k < length; ++k) {
      const auto a = static_cast<size_t>(shuffled.offsets[i] + k);
      const auto b = static_cast<size_t>(owned.offsets[from] + k);
      EXPECT_NEAR(after.advantages[a], before.advantages[b], 1e-5);
      EXPECT_NEAR(after.returns[a], before.returns[b], 1e-6);
    }
  }
  for (size_t role = 0; role < before.by_role.size(); ++role) {
    ExpectSame(after.by_role[role].total, before.by_role[role].total);
    ExpectSame(after.by_role[role].penalty, before.by_role[role].penalty);
  }
  EXPECT_EQ(after.counts.groups, before.counts.groups);
}

// The stages on two halves with whole questions, three sums between them, against one process.
TEST_P(EveryEstimator, TwoRanksGiveWhatOneProcessGives) {
  OwnedBatch owned = RandomBatch(21, 7, 2);
  std::vector<int32_t> picks[2];
  for (size_t t = 0; t < owned.size(); ++t) picks[owned.question[t] < 3 ? 0 : 1].push_back(static_cast<int32_t>(t));
  OwnedBatch halves[2] = {owned.Picked(picks[0]), owned.Picked(picks[1])};
  auto rewards = RewardMoments(halves[0].View(), options_).value();
  const auto others = RewardMoments(halves[1].View(), options_).value();
  for (size_t role = 0; role < rewards.size(); ++role) rewards[role].Add(others[role]);
  RawEstimates raw[2];
  for (int rank = 0; rank < 2; ++rank) raw[rank] = EstimateRaw(halves[rank].View(), options_, rewards).value();
  std::vector<Moments> whitening = raw[0].whitening;
  AddMoments(raw[1].whitening, whitening);
  const Estimates whole = Estimate(&owned, options_);
  for (int rank = 0; rank < 2; ++rank) {
    const Estimates part = Whiten(halves[rank].View(), options_, raw[rank], whitening).value();
    size_t at = 0;
    for (const int32_t transition : picks[rank]) {
      for (auto i = owned.offsets[static_cast<size_t>(transition)];
           i < owned.offsets[static_cast<size_t>(transition) + 1]; ++i) {
        EXPECT_NEAR(part.advantages[at], whole.advantages[static_cast<size_t>(i)], 1e-5);
        EXPECT_NEAR(part.returns[at], whole.returns[static_cast<size_t>(i)], 1e-6);
        ++at;
      }
    }
  }
}

TEST_P(EveryEstimator, WhatIsNotCountedIsNeverRead) {
  OwnedBatch owned = RandomBatch(31, 5, 2);
  const Estimates before = Estimate(&owned, options_);
  for (size_t i = 0; i < owned.counted.size(); ++i) {
    if (owned.counted[i] != 0) continue;
    owned.values[i] = std::numeric_limits<float>::quiet_NaN();
    owned.log_probs[i] = -std::numeric_limits<float>::infinity();
    EXPECT_EQ(before.advantages[i], 0.0F);
    EXPECT_EQ(before.returns[i], 0.0F);
  }
  const Estimates after = Estimate(&owned, options_);
  EXPECT_EQ(after.advantages, before.advantages);
  EXPECT_EQ(after.returns, before.returns);
}

// Without critic and KL the two parts are all there is, token by token; so are their sums.
TEST_P(EveryEstimator, PartsAddUp) {
  OwnedBatch owned = RandomBatch(41, 5, 3);
  owned.values.assign(owned.values.size(), 0.0F);
  options_.kl.in = KlPlace::kNone;
  const Estimates estimates = Estimate(&owned, options_);
  for (const RoleStatistics& role : estimates.by_role) {
    EXPECT_GT(role.total.count, 0.0);
    EXPECT_DOUBLE_EQ(role.total.count, role.team.count);
    EXPECT_NEAR(role.total.sum, role.team.sum + role.penalty.sum, 1e-9 * (1.0 + std::abs(role.total.sum)));
  }
}

TEST_P(EveryEstimator, WhitenedGroupsHaveMeanZeroAndVarianceOne) {
  OwnedBatch owned = RandomBatch(51, 8, 3);
  const Estimates estimates = Estimate(&owned, options_);
  const auto groups = static_cast<size_t>(WhiteningGroups(options_, owned.roles));
  std::vector<Moments> moments(groups);
  for (size_t t = 0; t < owned.size(); ++t) {
    const int32_t group = WhiteningGroup(options_, owned.role[t]);
    if (group < 0) continue;
    for (auto i = static_cast<size_t>(owned.offsets[t]); i < static_cast<size_t>(owned.offsets[t + 1]); ++i) {
      if (owned.counted[i] != 0) moments[static_cast<size_t>(group)].Add(estimates.advantages[i]);
    }
  }
  for (const Moments& group : moments) {
    if (group.count == 0.0) continue;
    EXPECT_NEAR(group.Mean(), 0.0, 1e-5);
    EXPECT_NEAR(group.Variance(), 1.0, 1e-4);
  }
}

std::string CaseName(const testing::TestParamInfo<std::tuple<Estimator, Whitening>>& info) {
  std::string name = std::string(Name(std::get<0>(info.param))) + "_" + std::string(Name(std::get<1>(info.param)));
  for (char& c : name) {
    if (c == '+') c = 'p';
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, EveryEstimator,
                         testing::Combine(testing::ValuesIn(kEstimators), testing::ValuesIn(kWhitenings)), CaseName);

TEST(EstimateTest, EachRoleHasItsOwnEstimator) {
  OwnedBatch owned;
  owned.roles = 2;
  owned.Add({.role = 0, .run = 0, .site = 1, .team = 1.0, .counted = {1, 1}, .values = {0.25F, 0.5F}});
  owned.Add({.role = 1, .run = 0, .site = 2, .team = 1.0, .counted = {1}, .values = {0.75F}});
  owned.Add({.role = 1, .run = 1, .site = 2, .team = 0.0, .counted = {1}, .values = {0.75F}});
  Options options;
  options.whiten = Whitening::kNone;
  options.by_role[1] = {.estimator = Estimator::kRloo};
  const Estimates estimates = Estimate(&owned, options);
  EXPECT_THAT(estimates.advantages, testing::ElementsAre(0.75F, 0.5F, 1.0F, -1.0F));
  EXPECT_THAT(estimates.returns, testing::ElementsAre(1.0F, 1.0F, 1.0F, 0.0F));
  EXPECT_EQ(estimates.counts.groups.groups, 1);
  EXPECT_EQ(estimates.by_role[1].calls, 2);
}

// One call resampled three times: team rewards ½, 0, 1 where it earned 1 with a penalty of ½.
TEST(EstimateTest, AlternativesAreTheBaselineOfTheirCall) {
  OwnedBatch owned;
  owned.Add({.team = 1.0, .penalty = 0.5, .counted = {1, 0, 1}, .values = {0.25F, 0.0F, 0.25F}});
  owned.Add({.team = 1.0, .counted = {1}, .values = {0.25F}});
  owned.alternatives = {{0.5, 0.0, 1.0}, {}};
  Options options;
  options.whiten = Whitening::kNone;
  const Estimates estimates = Estimate(&owned, options);
  EXPECT_THAT(estimates.advantages, testing::ElementsAre(0.0F, 0.0F, 0.0F, 0.75F));
  EXPECT_THAT(estimates.returns, testing::ElementsAre(0.5F, 0.0F, 0.5F, 1.0F));  // the critic learns the return
  EXPECT_EQ(estimates.counts.counterfactual_calls, 1);
  owned.alternative_penalties = {0.0, 1.5, 0.0};
  EXPECT_DOUBLE_EQ(Estimate(&owned, options).call_advantages[0], 0.5);
  options.counterfactual_includes_own = true;
  EXPECT_DOUBLE_EQ(Estimate(&owned, options).call_advantages[0], 0.75 * 0.5);  // k/(k+1) of it
}

TEST(EstimateTest, ThePenaltyCanOutweighTheTeam) {
  OwnedBatch owned;
  for (int i = 0; i < 10; ++i) owned.Add({.run = i, .team = i % 2 == 0 ? 0.4 : 0.6, .penalty = i == 0 ? 2.0 : 0.0});
  const Estimates estimates = Estimate(&owned, {});
  EXPECT_NEAR(estimates.by_role[0].team.Variance(), 0.1 / 9, 1e-12);
  EXPECT_NEAR(estimates.by_role[0].penalty.Variance(), 0.4, 1e-12);
}

TEST(EstimateTest, ASingleTokenIsWhitenedToZero) {
  OwnedBatch owned;
  owned.Add({.team = 1.0});
  EXPECT_EQ(Estimate(&owned, {}).advantages[0], 0.0F);
}

TEST(EstimateTest, CallsWithoutAChoiceAreCounted) {
  OwnedBatch owned;
  owned.Add({.team = 1.0, .counted = {0, 0}});
  owned.Add({.team = 1.0, .counted = {}});
  EXPECT_EQ(Estimate(&owned, {}).counts.empty_calls, 2);
}

TEST(EstimateTest, AnEmptyBatchIsFine) {
  OwnedBatch owned;
  for (const Estimator estimator : kEstimators) {
    Options options;
    options.defaults.estimator = estimator;
    EXPECT_TRUE(Estimate(&owned, options).advantages.empty());
  }
}

TEST(EstimateTest, OnlyACriticsEstimatorNeedsValues) {
  OwnedBatch owned = RandomBatch(61, 3, 2);
  owned.values.clear();
  for (const Estimator estimator : kEstimators) {
    Options options;
    options.defaults.estimator = estimator;
    const auto estimates = EstimateAdvantages(owned.View(), options);
    EXPECT_EQ(estimates.ok(), !NeedsValues(estimator));
    if (!estimates.ok()) {
      EXPECT_THAT(estimates.error().message(), HasSubstr("needs `values` of a critic"));
    }
  }
}

struct Breakage {
  const char* expected;
  void (*apply)(OwnedBatch*);
};

TEST(EstimateTest, WhatIsWrongInTheBatchIsNamed) {
  const Breakage cases[] = {
      {"`offsets` falls after transition 1", [](OwnedBatch* b) { b->offsets[1] = 90; }},
      {"`offsets` starts with 1", [](OwnedBatch* b) { b->offsets[0] = 1; }},
      {"`offsets` ends with", [](OwnedBatch* b) { b->counted.push_back(1); }},
      {"`offsets` is empty", [](OwnedBatch* b) { b->offsets.clear(); }},
      {"`role` has", [](OwnedBatch* b) { b->role.pop_back(); }},
      {"`values` has", [](OwnedBatch* b) { b->values.pop_back(); }},
      {"transition 1 has role 3; there are 3", [](OwnedBatch* b) { b->role[1] = 3; }},
      {"the penalty of transition 1 is -2", [](OwnedBatch* b) { b->penalty[1] = -2.0; }},
      {"the team reward of transition 1 is nan", [](OwnedBatch* b) { b->team[1] = std::nan(""); }},
      {"`values` is nan at token", [](OwnedBatch* b) { std::fill(b->values.begin(), b->values.end(), NAN); }},
      {"has consumer -1, which is not in the batch", [](OwnedBatch* b) { b->users[0] = {-1}; }},
      {"edges stay within a run", [](OwnedBatch* b) { b->users[0] = {static_cast<int32_t>(b->size()) - 1}; }},
      {"names consumer 1 twice",
       [](OwnedBatch* b) {
         b->users[0] = {1, 1};
       }},
      {"`consumer_offsets` has", [](OwnedBatch* b) { b->users.pop_back(); }},
      {"`alternative_penalties` has", [](OwnedBatch* b) { b->alternative_penalties = {1.0}; }},
      {"alternative 0 has reward", [](OwnedBatch* b) { b->alternatives[0] = {INFINITY}; }},
      {"a data-flow graph has no cycles", [](OwnedBatch* b) { b->users[1] = {0}, b->users[0] = {1}; }},
  };
  Options options;
  options.defaults.estimator = Estimator::kGraphGae;
  for (const Breakage& broken : cases) {
    OwnedBatch owned = RandomBatch(71, 3, 2);
    ASSERT_TRUE(EstimateAdvantages(owned.View(), options).ok());
    broken.apply(&owned);
    const auto estimates = EstimateAdvantages(owned.View(), options);
    ASSERT_FALSE(estimates.ok()) << broken.expected;
    EXPECT_EQ(estimates.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(estimates.error().message(), HasSubstr(broken.expected));
  }
}

TEST(OptionsTest, WhatIsOutOfRangeIsNamed) {
  const auto message = [](auto&& change) {
    Options options;
    change(&options);
    return CheckOptions(options).error().ToString();
  };
  EXPECT_TRUE(CheckOptions({}).ok());
  EXPECT_THAT(message([](Options* o) { o->defaults.gamma = 1.5; }),
              HasSubstr("`gamma` is 1.5; it lies within 0 and 1"));
  EXPECT_THAT(message([](Options* o) { o->by_role[2].lambda = -1; }), HasSubstr("estimator of role 2: `lambda` is -1"));
  EXPECT_THAT(message([](Options* o) { o->penalty_scale = std::nan(""); }), HasSubstr("`penalty_scale` is nan"));
  EXPECT_THAT(message([](Options* o) { o->kl.coefficient = -0.1; }), HasSubstr("`kl.coefficient`"));
  EXPECT_THAT(message([](Options* o) { o->kl.adaptive = AdaptiveKl{.target = 0.0}; }),
              HasSubstr("`kl.adaptive.target`"));
  OwnedBatch owned = RandomBatch(1, 1, 1);
  Options options;
  options.by_role[3] = {};
  EXPECT_THAT(EstimateAdvantages(owned.View(), options).error().message(), HasSubstr("role 3; the batch has 3 roles"));
}

TEST(OptionsTest, NamesAreReadBack) {
  for (const Estimator estimator : kEstimators) EXPECT_EQ(ParseEstimator(Name(estimator)).value(), estimator);
  for (const Whitening whiten : kWhitenings) EXPECT_EQ(ParseWhitening(Name(whiten)).value(), whiten);
  for (const char* name : {"token-mean", "seq-mean", "call-mean", "question-mean"}) {
    EXPECT_EQ(Name(ParseLossAggregation(name).value()), name);
  }
  for (const char* name : {"none", "reward", "loss"}) EXPECT_EQ(Name(ParseKlPlace(name).value()), name);
  for (const char* name : {"k1", "k2", "k3"}) EXPECT_EQ(Name(ParseKlEstimator(name).value()), name);
  EXPECT_EQ(
      ParseEstimator("ppo").error().message(),
      "`ppo` is no estimator; there are `gae`, `grpo`, `rloo`, `reinforce++`, `reinforce++-baseline`, `graph-gae`");
}

}  // namespace
}  // namespace jade::advantage
