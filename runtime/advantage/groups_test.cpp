#include "runtime/advantage/groups.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/advantage/batch_fixtures.h"

namespace jade::advantage {
namespace {

GroupEstimates Estimate(OwnedBatch* owned, const EstimatorOptions& defaults) {
  Options options;
  options.defaults = defaults;
  const Batch batch = owned->View();
  const Rewards rewards = MakeRewards(batch, options).value();
  return EstimateGroups(batch, options, rewards, SumByRole(batch, rewards));
}

double Advantage(const GroupEstimates& groups, const OwnedBatch& owned, size_t t) {
  const GroupEstimate& estimate = groups.estimates[t];
  return estimate.scale * (owned.team[t] - owned.penalty[t] - estimate.baseline);
}

// Rewards 0, 1, 1 of three runs at one site: mean ⅔, unbiased standard deviation 1/√3.
OwnedBatch ThreeRuns() {
  OwnedBatch owned;
  owned.Add({.run = 0, .site = 7, .team = 0.0});
  owned.Add({.run = 1, .site = 7, .team = 1.0});
  owned.Add({.run = 2, .site = 7, .team = 1.0});
  return owned;
}

TEST(GroupsTest, GrpoByHand) {
  OwnedBatch owned = ThreeRuns();
  const auto divided = Estimate(&owned, {.estimator = Estimator::kGrpo, .epsilon = 0.0});
  EXPECT_NEAR(Advantage(divided, owned, 0), -2.0 / std::sqrt(3.0), 1e-12);
  EXPECT_NEAR(Advantage(divided, owned, 1), 1.0 / std::sqrt(3.0), 1e-12);
  const auto plain = Estimate(&owned, {.estimator = Estimator::kGrpo, .divide_by_std = false});
  EXPECT_NEAR(Advantage(plain, owned, 0), -2.0 / 3.0, 1e-12);
  EXPECT_EQ(plain.counts, (GroupCounts{.groups = 1}));
}

TEST(GroupsTest, RlooByHand) {
  OwnedBatch owned = ThreeRuns();
  const auto groups = Estimate(&owned, {.estimator = Estimator::kRloo});
  EXPECT_DOUBLE_EQ(Advantage(groups, owned, 0), -1.0);
  EXPECT_DOUBLE_EQ(Advantage(groups, owned, 1), 0.5);
}

// A run that calls a site twice shares one team reward between the calls: neither is a baseline for the other.
TEST(GroupsTest, RlooLeavesOutAllCallsOfTheRun) {
  OwnedBatch owned = ThreeRuns();
  owned.Add({.run = 0, .site = 7, .team = 0.0});
  EXPECT_DOUBLE_EQ(Advantage(Estimate(&owned, {.estimator = Estimator::kRloo}), owned, 0), -1.0);
  EXPECT_DOUBLE_EQ(Advantage(Estimate(&owned, {.estimator = Estimator::kRloo}), owned, 1), 1.0 - 1.0 / 3.0);
}

TEST(GroupsTest, PartsHaveTheirOwnBaselines) {
  OwnedBatch owned = ThreeRuns();
  owned.penalty = {0.0, 0.0, 0.9};
  const auto groups = Estimate(&owned, {.estimator = Estimator::kRloo});
  for (const GroupEstimate& estimate : groups.estimates) {
    EXPECT_NEAR(estimate.baseline, estimate.team_baseline - estimate.penalty_baseline, 1e-12);
  }
  EXPECT_DOUBLE_EQ(groups.estimates[0].penalty_baseline, 0.45);
}

TEST(GroupsTest, AGroupOfOneRunIsCountedAndFallsBackOnTheRole) {
  for (const Estimator estimator : {Estimator::kGrpo, Estimator::kRloo, Estimator::kReinforceBaseline}) {
    OwnedBatch owned = ThreeRuns();
    owned.roles = 2;
    owned.Add({.question = 1, .run = 3, .site = 7, .team = 0.5});             // alone at its place
    owned.Add({.question = 1, .run = 3, .site = 7, .team = 0.5});             // of the same run: still one run
    owned.Add({.role = 1, .question = 1, .run = 3, .site = 8, .team = 0.5});  // the only one of its role
    const auto groups = Estimate(&owned, {.estimator = estimator, .divide_by_std = false});
    EXPECT_EQ(groups.counts, (GroupCounts{.groups = 3, .single_run = 2, .flat = 0, .fallback_calls = 3}));
    EXPECT_FALSE(groups.estimates[0].fallback);
    EXPECT_TRUE(groups.estimates[3].fallback);
    EXPECT_DOUBLE_EQ(groups.estimates[3].baseline, 0.6);  // (0 + 1 + 1 + ½ + ½) / 5
    EXPECT_TRUE(groups.estimates[5].fallback);
    EXPECT_DOUBLE_EQ(groups.estimates[5].baseline, 3.5 / 6.0);  // of the batch
  }
}

TEST(GroupsTest, AFallbackOfGrpoIsDividedByTheRolesDeviation) {
  OwnedBatch owned = ThreeRuns();
  owned.Add({.question = 1, .run = 3, .site = 7, .team = 1.0});
  const auto groups = Estimate(&owned, {.estimator = Estimator::kGrpo, .epsilon = 0.0});
  EXPECT_NEAR(Advantage(groups, owned, 3), 0.25 / 0.5, 1e-12);  // 0, 1, 1, 1: mean ¾, deviation ½
}

TEST(GroupsTest, EqualRewardsGiveNoSignalAndAreCounted) {
  OwnedBatch owned = ThreeRuns();
  owned.team = {0.3, 0.3, 0.3};
  const auto groups = Estimate(&owned, {.estimator = Estimator::kGrpo});
  EXPECT_EQ(groups.counts.flat, 1);
  EXPECT_NEAR(Advantage(groups, owned, 0), 0.0, 1e-9);
}

TEST(GroupsTest, CallsWithoutSignalAreThoseOfFlatGroupsOfSeveralRuns) {
  OwnedBatch owned = ThreeRuns();  // question 0, site 7, rewards 0, 1, 1
  owned.roles = 2;
  owned.Add({.question = 1, .run = 3, .site = 7, .team = 1.0});
  owned.Add({.question = 1, .run = 4, .site = 7, .team = 1.0});
  owned.Add({.question = 1, .run = 4, .site = 8, .team = 1.0});  // of one run: it has the role's baseline
  owned.Add({.question = 2, .run = 5, .site = 7, .team = 1.0, .penalty = 0.5});
  owned.Add({.question = 2, .run = 6, .site = 7, .team = 1.0});             // a penalty tells them apart
  owned.Add({.role = 1, .question = 1, .run = 3, .site = 9, .team = 1.0});  // of a role with a critic
  owned.Add({.role = 1, .question = 1, .run = 4, .site = 9, .team = 1.0});
  Options options;
  options.defaults.estimator = Estimator::kRloo;
  options.by_role[1] = {.estimator = Estimator::kGae};
  EXPECT_EQ(CallsWithoutSignal(owned.View(), options).value(), (std::vector<uint8_t>{0, 0, 0, 1, 1, 0, 0, 0, 0, 0}));
}

TEST(GroupsTest, SameSiteOfAnotherQuestionIsAnotherGroup) {
  OwnedBatch owned = ThreeRuns();
  owned.Add({.question = 1, .run = 3, .site = 7});
  owned.Add({.question = 0, .run = 0, .site = 8});
  EXPECT_EQ(NumberGroups(owned.View()), (std::vector<int32_t>{0, 0, 0, 1, 2}));
}

TEST(GroupsTest, RolesWithACriticAreNoMembers) {
  OwnedBatch owned = ThreeRuns();
  owned.roles = 2;
  owned.role = {0, 0, 1};
  Options options;
  options.defaults.estimator = Estimator::kRloo;
  options.by_role[1] = {.estimator = Estimator::kGae};
  const Batch batch = owned.View();
  const Rewards rewards = MakeRewards(batch, options).value();
  const auto groups = EstimateGroups(batch, options, rewards, SumByRole(batch, rewards));
  EXPECT_DOUBLE_EQ(groups.estimates[0].baseline, 1.0);
  EXPECT_DOUBLE_EQ(groups.estimates[1].baseline, 0.0);
}

}  // namespace
}  // namespace jade::advantage
