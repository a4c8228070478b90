#include "runtime/advantage/graph_gae.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/advantage/batch_fixtures.h"

namespace jade::advantage {
namespace {

using testing::DoubleEq;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::HasSubstr;

GraphGae Estimate(OwnedBatch* owned, double gamma_graph, double lambda_graph) {
  Options options;
  options.defaults = {.estimator = Estimator::kGraphGae, .gamma_graph = gamma_graph, .lambda_graph = lambda_graph};
  const Batch batch = owned->View();
  EXPECT_TRUE(CheckBatch(batch).ok()) << CheckBatch(batch).error().ToString();
  auto graph = EstimateGraphGae(batch, options, MakeRewards(batch, options).value());
  EXPECT_TRUE(graph.ok()) << graph.error().ToString();
  return std::move(graph).value();
}

// One token a call, value V and team reward R of each.
OwnedBatch Calls(const std::vector<float>& values, double team, std::vector<std::vector<int32_t>> users) {
  OwnedBatch batch;
  for (const float value : values) batch.Add({.team = team, .values = {value}});
  batch.users = std::move(users);
  return batch;
}

TEST(GraphGaeTest, AChainWithoutDiscountTelescopes) {
  OwnedBatch owned = Calls({0.125F, 0.25F, 0.5F}, 1.0, {{1}, {2}, {}});
  const GraphGae graph = Estimate(&owned, 1.0, 1.0);
  EXPECT_THAT(graph.advantages, ElementsAre(DoubleEq(0.875), DoubleEq(0.75), DoubleEq(0.5)));
  EXPECT_THAT(graph.returns, ElementsAre(DoubleEq(1), DoubleEq(1), DoubleEq(1)));
}

// γ_graph = 1/2, λ_graph = 1/2: δ₃ = 1 − ½ = ½; δ₂ = ½·½ − ¼ = 0, A₂ = ¼·½ = ⅛; δ₁ = ½·¼ − ⅛ = 0, A₁ = ¼·⅛ = 1/32.
TEST(GraphGaeTest, AChainWithDiscountByHand) {
  OwnedBatch owned = Calls({0.125F, 0.25F, 0.5F}, 1.0, {{1}, {2}, {}});
  const GraphGae graph = Estimate(&owned, 0.5, 0.5);
  EXPECT_THAT(graph.advantages, ElementsAre(DoubleEq(0.03125), DoubleEq(0.125), DoubleEq(0.5)));
}

// 0 → {1, 2} → 3, λ_graph = 0: call 0 sees the mean of its users' values, ½(¼ + ¾) − ¼ = ¼.
TEST(GraphGaeTest, ADiamondAveragesItsBranches) {
  OwnedBatch owned = Calls({0.25F, 0.25F, 0.75F, 0.5F}, 1.0, {{1, 2}, {3}, {3}, {}});
  EXPECT_THAT(Estimate(&owned, 1.0, 0.0).advantages,
              ElementsAre(DoubleEq(0.25), DoubleEq(0.25), DoubleEq(-0.25), DoubleEq(0.5)));
  // λ_graph = ½: A₁ = ¼ + ½·½ = ½, A₂ = −¼ + ¼ = 0, A₀ = ¼ + ½·½(½ + 0) = 3/8.
  EXPECT_THAT(Estimate(&owned, 1.0, 0.5).advantages,
              ElementsAre(DoubleEq(0.375), DoubleEq(0.5), DoubleEq(0.0), DoubleEq(0.5)));
}

// 0 → {1, 2}, only 1 goes into the result; 2 reached nothing: no team reward, and no use of 0 either.
TEST(GraphGaeTest, ASideBranchHasItsPenaltyAlone) {
  OwnedBatch owned = Calls({0.5F, 0.25F, 0.75F}, 1.0, {{1, 2}, {}, {}});
  owned.in_result = {0, 1, 0};
  owned.penalty = {0.0, 0.0, 2.0};
  const GraphGae graph = Estimate(&owned, 1.0, 1.0);
  EXPECT_THAT(graph.advantages, ElementsAre(DoubleEq(0.5), DoubleEq(0.75), DoubleEq(-2.75)));
  EXPECT_THAT(graph.returns, ElementsAre(DoubleEq(1), DoubleEq(1), DoubleEq(-2)));
  EXPECT_THAT(graph.reached, ElementsAre(1, 1, 0));
  EXPECT_EQ(graph.unreached, 1);
  EXPECT_THAT(graph.team_at_last, ElementsAre(DoubleEq(1), DoubleEq(1), DoubleEq(0)));
}

TEST(GraphGaeTest, PenaltiesStayWithTheirCall) {
  OwnedBatch owned = Calls({0.0F, 0.0F, 0.0F}, 1.0, {{1}, {2}, {}});
  owned.penalty = {0.0, 2.0, 0.5};
  EXPECT_THAT(Estimate(&owned, 1.0, 1.0).advantages, ElementsAre(DoubleEq(1), DoubleEq(-1), DoubleEq(0.5)));
}

// The result uses call 0 beside call 1: half its return is the team reward at once, half comes over call 1.
TEST(GraphGaeTest, TheResultIsOneUseAmongOthers) {
  OwnedBatch owned = Calls({0.0F, 0.5F}, 1.0, {{1}, {}});
  owned.in_result = {1, 1};
  EXPECT_DOUBLE_EQ(Estimate(&owned, 1.0, 0.0).advantages[0], 0.5 + 0.25);
  EXPECT_DOUBLE_EQ(Estimate(&owned, 1.0, 1.0).advantages[0], 1.0);
}

TEST(GraphGaeTest, ACallWithoutAChoicePassesTheReturnThrough) {
  OwnedBatch owned;
  owned.Add({.team = 1.0, .counted = {1, 1}, .values = {0.25F, 0.5F}});
  owned.Add({.team = 1.0, .counted = {0, 0}, .values = {7.0F, 7.0F}});
  owned.Add({.team = 1.0, .counted = {0, 1}, .values = {7.0F, 0.75F}});
  owned.users = {{1}, {2}, {}};
  EXPECT_THAT(Estimate(&owned, 1.0, 1.0).advantages,
              ElementsAre(DoubleEq(0.75), DoubleEq(0.5), 0.0, 0.0, 0.0, DoubleNear(0.25, 1e-12)));
}

TEST(GraphGaeTest, ACycleIsAnError) {
  OwnedBatch owned = Calls({0.0F, 0.0F, 0.0F, 0.0F}, 1.0, {{1}, {2, 3}, {1}, {}});
  const auto order = ReversedFlow(owned.View());
  ASSERT_FALSE(order.ok());
  EXPECT_EQ(order.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(order.error().message(),
              testing::AnyOf(HasSubstr("transition 1 of run 0"), HasSubstr("transition 2 of run 0")));
  owned.users = {{0}, {}, {}, {}};
  EXPECT_THAT(ReversedFlow(owned.View()).error().message(), HasSubstr("transition 0 of run 0"));
}

TEST(GraphGaeTest, EachTransitionComesAfterItsConsumers) {
  OwnedBatch owned = RandomBatch(5, 20, 3).Picked(Shuffled(RandomBatch(5, 20, 3).size(), 6));
  const Batch batch = owned.View();
  const auto order = ReversedFlow(batch);
  ASSERT_TRUE(order.ok());
  ASSERT_EQ(order->size(), batch.transitions());
  std::vector<uint8_t> done(batch.transitions(), 0);
  for (const int32_t transition : *order) {
    for (const int32_t user : owned.users[static_cast<size_t>(transition)])
      EXPECT_EQ(done[static_cast<size_t>(user)], 1);
    done[static_cast<size_t>(transition)] = 1;
  }
}

}  // namespace
}  // namespace jade::advantage
