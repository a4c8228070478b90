#include "runtime/advantage/policy_loss.h"

#include <gtest/gtest.h>

#include <random>

namespace jade::advantage {
namespace {

TEST(PolicyLossTest, AtRatioOneIsThePolicyGradient) {
  const PolicyToken<double> token{.log_prob = -1.25,
                                  .old_log_prob = -1.25,
                                  .advantage = 0.5,
                                  .rollout_log_prob = -1.25,
                                  .reference_log_prob = -3.0,
                                  .entropy = 0.7};
  const auto loss = PolicyTokenLoss(token, PolicyLossOptions<double>{});
  EXPECT_EQ(loss.ratio, 1.0);
  EXPECT_EQ(loss.importance, 1.0);
  EXPECT_EQ(loss.loss, -0.5);
  EXPECT_EQ(loss.d_log_prob, -0.5);
  EXPECT_FALSE(loss.clipped || loss.dual_clipped);
}

TEST(PolicyLossTest, ClipsByHand) {
  const auto at = [](double ratio, double advantage) {
    return PolicyTokenLoss(PolicyToken<double>{.log_prob = std::log(ratio), .advantage = advantage},
                           PolicyLossOptions<double>{.importance_cap = 0.0});
  };
  EXPECT_NEAR(at(1.5, 2.0).loss, -2.4, 1e-12);  // 1.2 · 2
  EXPECT_TRUE(at(1.5, 2.0).clipped);
  EXPECT_EQ(at(1.5, 2.0).d_log_prob, 0.0);
  EXPECT_NEAR(at(0.5, 2.0).loss, -1.0, 1e-12);  // the pessimistic side keeps its gradient
  EXPECT_NEAR(at(0.5, 2.0).d_log_prob, -1.0, 1e-12);
  EXPECT_NEAR(at(0.5, -2.0).loss, 1.6, 1e-12);  // 0.8 · 2
  EXPECT_TRUE(at(0.5, -2.0).clipped);
  EXPECT_NEAR(at(2.5, -2.0).loss, 5.0, 1e-12);  // below the dual clip
  EXPECT_NEAR(at(2.5, -2.0).d_log_prob, 5.0, 1e-12);
  EXPECT_NEAR(at(8.0, -2.0).loss, 6.0, 1e-12);  // 3 · 2
  EXPECT_TRUE(at(8.0, -2.0).dual_clipped);
  EXPECT_FALSE(at(8.0, -2.0).clipped);
  EXPECT_EQ(at(8.0, -2.0).d_log_prob, 0.0);
}

TEST(PolicyLossTest, TheImportanceWeightIsCappedAndConstant) {
  const PolicyToken<double> token{.log_prob = -1.0, .old_log_prob = -1.0, .advantage = 1.0, .rollout_log_prob = -4.0};
  EXPECT_EQ(PolicyTokenLoss(token, PolicyLossOptions<double>{}).importance, 2.0);
  EXPECT_EQ(PolicyTokenLoss(token, PolicyLossOptions<double>{}).d_log_prob, -2.0);
  EXPECT_EQ(PolicyTokenLoss(token, PolicyLossOptions<double>{.importance_cap = 0.0}).importance, 1.0);
}

TEST(PolicyLossTest, NoNumberOverflows) {
  for (const float apart : {-1e4F, -30.0F, 30.0F, 1e4F}) {
    for (const float advantage : {-3.0F, 3.0F}) {
      const auto loss = PolicyTokenLoss(
          PolicyToken<float>{
              .log_prob = apart, .advantage = advantage, .rollout_log_prob = -apart, .reference_log_prob = -apart},
          PolicyLossOptions<float>{.dual_clip = 0.0F, .kl_coefficient = 0.1F});
      EXPECT_TRUE(std::isfinite(loss.loss) && std::isfinite(loss.d_log_prob));
      EXPECT_EQ(loss.d_log_prob, 0.0F);  // outside ±20 nothing flows
    }
  }
}

// Central differences, away from the corners by more than the step.
TEST(PolicyLossTest, DerivativesAreThoseOfTheLoss) {
  std::mt19937 rng(7);
  std::normal_distribution<double> normal;
  constexpr double kStep = 1e-6;
  int moving = 0;
  for (int i = 0; i < 3000; ++i) {
    const PolicyLossOptions<double> options{.dual_clip = i % 3 == 0 ? 0.0 : 3.0,
                                            .kl_coefficient = i % 2 == 0 ? 0.2 : 0.0,
                                            .kl_estimator = static_cast<KlEstimator>(i % 3),
                                            .entropy_coefficient = 0.01};
    PolicyToken<double> token{.log_prob = -2.0 + normal(rng),
                              .old_log_prob = -2.0 + 0.3 * normal(rng),
                              .advantage = normal(rng),
                              .rollout_log_prob = -2.0 + 0.3 * normal(rng),
                              .reference_log_prob = -2.0 + normal(rng),
                              .entropy = 0.5};
    const auto at = [&](double log_prob) {
      token.log_prob = log_prob;
      return PolicyTokenLoss(token, options);
    };
    const double centre = token.log_prob;
    const auto low = at(centre - kStep);
    const auto high = at(centre + kStep);
    const auto loss = at(centre);
    if (low.clipped != high.clipped || low.dual_clipped != high.dual_clipped) continue;  // across a corner
    EXPECT_NEAR(loss.d_log_prob, (high.loss - low.loss) / (2 * kStep), 1e-6) << "case " << i;
    moving += loss.d_log_prob != 0.0 ? 1 : 0;
    token.entropy += 1.0;
    EXPECT_NEAR(at(centre).loss - loss.loss, loss.d_entropy, 1e-12);
  }
  EXPECT_GT(moving, 1500);
}

TEST(ValueLossTest, DerivativesAreThoseOfTheLoss) {
  std::mt19937 rng(8);
  std::normal_distribution<double> normal;
  constexpr double kStep = 1e-6;
  int clipped = 0;
  for (int i = 0; i < 2000; ++i) {
    const double value = normal(rng);
    const double old_value = normal(rng);
    const double target = normal(rng);
    const auto low = ValueTokenLoss(value - kStep, old_value, target, 0.5);
    const auto high = ValueTokenLoss(value + kStep, old_value, target, 0.5);
    const auto loss = ValueTokenLoss(value, old_value, target, 0.5);
    if (low.clipped != high.clipped) continue;
    EXPECT_NEAR(loss.d_value, (high.loss - low.loss) / (2 * kStep), 1e-6) << "case " << i;
    clipped += loss.clipped ? 1 : 0;
  }
  EXPECT_GT(clipped, 100);
}

// old 0, target 2, clip ½: a value of 1 may not count as more than ½, so its loss is ½ · 1.5² and does not move it.
TEST(ValueLossTest, ByHand) {
  EXPECT_DOUBLE_EQ(ValueTokenLoss(1.0, 0.0, 2.0, 0.5).loss, 0.5 * 1.5 * 1.5);
  EXPECT_EQ(ValueTokenLoss(1.0, 0.0, 2.0, 0.5).d_value, 0.0);
  EXPECT_TRUE(ValueTokenLoss(1.0, 0.0, 2.0, 0.5).clipped);
  EXPECT_DOUBLE_EQ(ValueTokenLoss(0.25, 0.0, 2.0, 0.5).d_value, -1.75);
}

}  // namespace
}  // namespace jade::advantage
