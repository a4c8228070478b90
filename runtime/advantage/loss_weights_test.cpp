#include "runtime/advantage/loss_weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/advantage/batch_fixtures.h"

namespace jade::advantage {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr LossAggregation kModes[] = {LossAggregation::kTokenMean, LossAggregation::kSeqMean,
                                      LossAggregation::kCallMean, LossAggregation::kQuestionMean};

// Question 0: calls of 1 and 3 counted tokens; question 1: one of 4, one without any.
OwnedBatch FourCalls() {
  OwnedBatch owned;
  owned.roles = 2;
  owned.Add({.role = 0, .question = 0, .counted = {1, 0}});
  owned.Add({.role = 1, .question = 0, .counted = {1, 1, 1}});
  owned.Add({.role = 1, .question = 1, .counted = {1, 1, 1, 1}});
  owned.Add({.role = 1, .question = 1, .counted = {0}});
  return owned;
}

const std::vector<int32_t> kAll{0, 1, 2, 3};

TEST(LossWeightsTest, ByHand) {
  OwnedBatch owned = FourCalls();
  const Batch batch = owned.View();
  const LossUnits units = CountLossUnits(batch, kAll);
  EXPECT_EQ(units, (LossUnits{.tokens = 8, .calls = 3, .questions = 2}));
  const auto weights = [&](LossAggregation mode) { return CallWeights(batch, kAll, mode, {}, units).value(); };
  EXPECT_THAT(weights(LossAggregation::kTokenMean),
              ElementsAre(DoubleEq(0.125), DoubleEq(0.125), DoubleEq(0.125), 0.0));
  EXPECT_THAT(weights(LossAggregation::kSeqMean),
              ElementsAre(DoubleEq(1.0 / 3), DoubleEq(1.0 / 9), DoubleEq(1.0 / 12), 0.0));
  EXPECT_THAT(weights(LossAggregation::kCallMean),
              ElementsAre(DoubleEq(1.0 / 3), DoubleEq(1.0 / 3), DoubleEq(1.0 / 3), 0.0));
  EXPECT_THAT(weights(LossAggregation::kQuestionMean),
              ElementsAre(DoubleEq(0.125), DoubleEq(0.125), DoubleEq(0.125), 0.0));
}

TEST(LossWeightsTest, RoleWeightsLeaveOtherRolesAsTheyWere) {
  OwnedBatch owned = FourCalls();
  const Batch batch = owned.View();
  const std::vector<double> role_weights{3.0, 1.0};
  for (const LossAggregation mode : kModes) {
    const auto plain = CallWeights(batch, kAll, mode, {}, CountLossUnits(batch, kAll)).value();
    const auto weighted = CallWeights(batch, kAll, mode, role_weights, CountLossUnits(batch, kAll)).value();
    EXPECT_DOUBLE_EQ(weighted[0], 3.0 * plain[0]);
    EXPECT_DOUBLE_EQ(weighted[2], plain[2]);
  }
}

TEST(LossWeightsTest, OneTokenAWeightInTheOrderNamed) {
  OwnedBatch owned = FourCalls();
  const std::vector<int32_t> named{1, 0};
  const std::vector<double> call_weights{0.5, 0.25};
  EXPECT_THAT(TokenWeights(owned.View(), named, call_weights), ElementsAre(0.5F, 0.5F, 0.5F, 0.25F, 0.0F));
}

// Two ranks with whole questions, units summed: the same weights as one process, whatever the order.
TEST(LossWeightsTest, RanksAndOrderDoNotMatter) {
  OwnedBatch owned = RandomBatch(3, 8, 2);
  const Batch batch = owned.View();
  std::vector<int32_t> all = Shuffled(owned.size(), 4);
  std::vector<int32_t> ranks[2];
  for (const int32_t t : all) ranks[owned.question[static_cast<size_t>(t)] % 2].push_back(t);
  LossUnits units = CountLossUnits(batch, ranks[0]);
  units.Add(CountLossUnits(batch, ranks[1]));
  EXPECT_EQ(units, CountLossUnits(batch, all));
  for (const LossAggregation mode : kModes) {
    const auto whole = CallWeights(batch, all, mode, {}, units).value();
    std::vector<double> by_transition(owned.size());
    for (size_t i = 0; i < all.size(); ++i) by_transition[static_cast<size_t>(all[i])] = whole[i];
    for (const auto& rank : ranks) {
      const auto part = CallWeights(batch, rank, mode, {}, units).value();
      for (size_t i = 0; i < rank.size(); ++i) EXPECT_DOUBLE_EQ(part[i], by_transition[static_cast<size_t>(rank[i])]);
    }
  }
}

// A loss of 1 everywhere is 1 under every mean, and mean tokens a call where a call's tokens are summed.
TEST(LossWeightsTest, MeansOfOnesAreOne) {
  OwnedBatch owned = RandomBatch(9, 10, 3);
  const Batch batch = owned.View();
  const std::vector<int32_t> all = Shuffled(owned.size(), 1);
  const LossUnits units = CountLossUnits(batch, all);
  for (const LossAggregation mode : kModes) {
    const auto weights = TokenWeights(batch, all, CallWeights(batch, all, mode, {}, units).value());
    ASSERT_EQ(weights.size(), batch.tokens());
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    EXPECT_NEAR(sum, mode == LossAggregation::kCallMean ? units.tokens / units.calls : 1.0, 1e-5) << Name(mode);
  }
}

TEST(LossWeightsTest, WhatIsWrongIsNamed) {
  OwnedBatch owned = FourCalls();
  const Batch batch = owned.View();
  const auto message = [&](std::vector<int32_t> named, std::vector<double> roles, LossUnits units) {
    return CallWeights(batch, named, LossAggregation::kTokenMean, roles, units).error().message();
  };
  EXPECT_THAT(message({0, 4}, {}, {}), HasSubstr("transition 4 is not in the batch of 4"));
  EXPECT_THAT(message({0, 0}, {}, {}), HasSubstr("transition 0 is named twice"));
  EXPECT_THAT(message({0}, {1.0}, {}), HasSubstr("1 role weights for 2 roles"));
  EXPECT_THAT(message({0}, {1.0, -1.0}, {}), HasSubstr("the weight of role 1 is -1"));
  EXPECT_THAT(message({0}, {}, {}), HasSubstr("counts nothing"));
}

}  // namespace
}  // namespace jade::advantage
