#include "runtime/advantage/gae.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace jade::advantage {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;

struct Outcome {
  std::vector<double> advantages;
  std::vector<double> returns;
  GaeEntry entry;
};

Outcome RunGae(const GaeInput& input) {
  Outcome outcome{std::vector<double>(input.counted.size(), 99.0), std::vector<double>(input.counted.size(), 99.0), {}};
  outcome.entry = Gae(input, outcome.advantages, outcome.returns);
  return outcome;
}

TEST(GaeTest, WithoutDiscountIsRewardMinusValue) {
  const std::vector<uint8_t> counted{1, 1, 1};
  const std::vector<float> values{0.25F, 0.5F, 0.75F};
  const auto outcome =
      RunGae({.counted = counted, .values = values, .kl = {}, .shared_reward = 1.0, .local_reward = -2.0, .next = {}});
  EXPECT_THAT(outcome.advantages, ElementsAre(DoubleEq(-1.25), DoubleEq(-1.5), DoubleEq(-1.75)));
  EXPECT_THAT(outcome.returns, ElementsAre(DoubleEq(-1), DoubleEq(-1), DoubleEq(-1)));
}

// γ = λ = 1/2, V = (1, 2), r = 4 at the end: δ₂ = 4 − 2 = 2, δ₁ = ½·2 − 1 = 0, A₁ = 0 + ¼·2.
TEST(GaeTest, DiscountsByHand) {
  const std::vector<uint8_t> counted{1, 1};
  const std::vector<float> values{1.0F, 2.0F};
  const auto outcome = RunGae(
      {.counted = counted, .values = values, .kl = {}, .shared_reward = 4.0, .next = {}, .gamma = 0.5, .lambda = 0.5});
  EXPECT_THAT(outcome.advantages, ElementsAre(DoubleEq(0.5), DoubleEq(2.0)));
  EXPECT_THAT(outcome.returns, ElementsAre(DoubleEq(1.5), DoubleEq(4.0)));
}

// Tokens without a choice cost no discount, their values are not read, and the reward behind the last choice is its
// own.
TEST(GaeTest, StepsOverForcedTokens) {
  const std::vector<uint8_t> with{0, 1, 0, 0, 1, 0};
  const std::vector<float> values{9.0F, 1.0F, 9.0F, 9.0F, 2.0F, 9.0F};
  const auto outcome = RunGae(
      {.counted = with, .values = values, .kl = {}, .shared_reward = 4.0, .next = {}, .gamma = 0.5, .lambda = 0.5});
  EXPECT_THAT(outcome.advantages, ElementsAre(0.0, DoubleEq(0.5), 0.0, 0.0, DoubleEq(2.0), 0.0));
  EXPECT_THAT(outcome.returns, ElementsAre(0.0, DoubleEq(1.5), 0.0, 0.0, DoubleEq(4.0), 0.0));
}

TEST(GaeTest, KlIsPaidWhereItArises) {
  const std::vector<uint8_t> counted{1, 1};
  const std::vector<double> kl{0.1, 0.3};
  const auto outcome = RunGae({.counted = counted, .values = {}, .kl = kl, .shared_reward = 1.0, .next = {}});
  EXPECT_THAT(outcome.advantages, ElementsAre(DoubleNear(0.6, 1e-12), DoubleNear(0.7, 1e-12)));
}

TEST(GaeTest, LocalRewardsDoNotEnterWhatFlowsOn) {
  const std::vector<uint8_t> counted{1, 1};
  const std::vector<float> values{0.25F, 0.5F};
  const auto with =
      RunGae({.counted = counted, .values = values, .kl = {}, .shared_reward = 1.0, .local_reward = -2.0, .next = {}});
  EXPECT_DOUBLE_EQ(with.entry.value, 0.25);
  EXPECT_DOUBLE_EQ(with.entry.advantage, 0.75);
  EXPECT_DOUBLE_EQ(with.advantages[0], -1.25);
}

TEST(GaeTest, WithoutAChoicePassesOnWhatFollows) {
  const std::vector<uint8_t> counted{0, 0};
  const std::vector<float> values{5.0F, 5.0F};
  const auto outcome = RunGae({.counted = counted,
                               .values = values,
                               .kl = {},
                               .shared_reward = 1.0,
                               .local_reward = -2.0,
                               .next = {0.5, 0.25}});
  EXPECT_THAT(outcome.advantages, ElementsAre(0.0, 0.0));
  EXPECT_DOUBLE_EQ(outcome.entry.value, 1.5);
  EXPECT_DOUBLE_EQ(outcome.entry.advantage, 0.25);
}

TEST(GaeTest, RewardToGoByHand) {
  const std::vector<uint8_t> counted{1, 0, 1, 0};
  const std::vector<double> kl{0.25, 0.0, 0.5, 0.0};
  std::vector<double> returns(4);
  RewardToGo(counted, kl, 1.0, 0.5, returns);
  EXPECT_THAT(returns, ElementsAre(DoubleEq(0.0), 0.0, DoubleEq(0.5), 0.0));
}

}  // namespace
}  // namespace jade::advantage
