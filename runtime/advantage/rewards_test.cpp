#include "runtime/advantage/rewards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/advantage/batch_fixtures.h"
#include "runtime/advantage/kl.h"

namespace jade::advantage {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

OwnedBatch TwoCalls() {
  OwnedBatch owned;
  owned.Add({.team = 0.75, .penalty = 0.0, .counted = {1, 1, 0}});
  owned.Add({.team = 0.75, .penalty = 2.0, .counted = {1, 1}});
  owned.log_probs = {-1.0F, -2.0F, 0.0F, -0.5F, -1.5F};
  owned.reference = {-1.5F, -1.0F, -9.0F, -0.5F, -2.5F};
  return owned;
}

TEST(RewardsTest, TheWholeRewardLiesOnTheLastToken) {
  OwnedBatch owned = TwoCalls();
  Options options;
  options.penalty_scale = 0.5;
  const Rewards rewards = MakeRewards(owned.View(), options).value();
  EXPECT_THAT(rewards.penalty, ElementsAre(0.0, DoubleEq(1.0)));
  EXPECT_THAT(rewards.whole, ElementsAre(DoubleEq(0.75), DoubleEq(-0.25)));
  EXPECT_THAT(TokenRewards(owned.View(), rewards), ElementsAre(0.0, 0.0, DoubleEq(0.75), 0.0, DoubleEq(-0.25)));
  EXPECT_TRUE(rewards.kl.empty());
}

// k1 = log policy − log reference: ½, −1 and (not counted) nothing; 0, 1.
TEST(RewardsTest, KlIsSubtractedFromCountedTokens) {
  OwnedBatch owned = TwoCalls();
  Options options;
  options.kl = {.in = KlPlace::kReward, .estimator = KlEstimator::kK1, .coefficient = 0.1, .adaptive = {}};
  const Rewards rewards = MakeRewards(owned.View(), options).value();
  EXPECT_THAT(TokenRewards(owned.View(), rewards), ElementsAre(DoubleNear(-0.05, 1e-12), DoubleNear(0.1, 1e-12),
                                                               DoubleEq(0.75), 0.0, DoubleNear(-1.25 - 0.1, 1e-12)));
  EXPECT_THAT(rewards.whole, ElementsAre(DoubleNear(0.8, 1e-12), DoubleNear(-1.35, 1e-12)));
  EXPECT_DOUBLE_EQ(rewards.divergence.Mean(), 0.5 * (-0.25 + 0.5));
}

TEST(RewardsTest, TheDivergenceIsMeasuredWhereverItCanBe) {
  OwnedBatch owned = TwoCalls();
  EXPECT_DOUBLE_EQ(MakeRewards(owned.View(), {})->divergence.count, 2.0);
  owned.reference.clear();
  EXPECT_DOUBLE_EQ(MakeRewards(owned.View(), {})->divergence.count, 0.0);
  Options options;
  options.kl.in = KlPlace::kReward;
  EXPECT_THAT(MakeRewards(owned.View(), options).error().message(),
              HasSubstr("needs `log_probs` and `reference_log_probs`"));
}

// Ziegler et al.: the relative error is clipped to ±0.2; 100 calls of a horizon of 1000 change by at most 2 %.
TEST(KlControllerTest, FollowsItsTarget) {
  KlController controller =
      MakeKlController({.coefficient = 0.5, .adaptive = AdaptiveKl{.target = 4.0, .horizon = 1000.0}});
  controller.Update(40.0, 100);
  EXPECT_DOUBLE_EQ(controller.coefficient, 0.5 * 1.02);
  controller.Update(4.4, 100);
  EXPECT_DOUBLE_EQ(controller.coefficient, 0.5 * 1.02 * 1.01);
  controller.Update(0.0, 100);
  EXPECT_DOUBLE_EQ(controller.coefficient, 0.5 * 1.02 * 1.01 * 0.98);
  KlController fixed = MakeKlController({.coefficient = 0.5, .adaptive = {}});
  fixed.Update(40.0, 100);
  EXPECT_EQ(fixed, (KlController{.coefficient = 0.5}));
}

}  // namespace
}  // namespace jade::advantage
