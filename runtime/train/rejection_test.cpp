// Rejection sampling: what is taken, that its loss is the likelihood of just that, and that it learns.

#include "runtime/train/rejection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/train/train_run_fixture.h"

namespace jade::train {
namespace {

using ::testing::ElementsAre;

// Two questions of two samples each, with these rewards; every run has a call without and one with a penalty.
rollout::Batch FourRuns(const std::vector<double>& rewards) {
  rollout::Batch batch;
  batch.questions.resize(2);
  for (uint32_t i = 0; i < 4; ++i) {
    rollout::Run& run = batch.runs.emplace_back();
    run.question = i / 2;
    run.sample = i % 2;
    run.reward = rewards[i];
    for (const double penalty : {0.0, 2.0}) {
      rollout::Transition& transition = batch.transitions.emplace_back();
      transition.run = i;
      transition.penalty = penalty;
    }
  }
  return batch;
}

TEST(AcceptTransitions, TakesTheBestSampleOfAQuestionThatEarnedEnough) {
  const Accepted accepted = AcceptTransitions(FourRuns({0.4, 0.3, 0.6, 0.9}), {0.5, true});
  EXPECT_THAT(accepted.transitions, ElementsAre(0, 0, 0, 0, 0, 0, 1, 0));
  EXPECT_EQ(accepted.runs, 1);
  EXPECT_EQ(accepted.calls, 1);
}

TEST(AcceptTransitions, OfEqualSamplesTheFirstIsTaken) {
  EXPECT_THAT(AcceptTransitions(FourRuns({0.5, 0.5, 0.0, 1.0}), {0.5, true}).transitions,
              ElementsAre(1, 0, 0, 0, 0, 0, 1, 0));
}

TEST(AcceptTransitions, WithoutGroupsEveryRunThatEarnedEnoughIsTaken) {
  EXPECT_THAT(AcceptTransitions(FourRuns({0.5, 0.4, 0.6, 0.9}), {0.5, false}).transitions,
              ElementsAre(1, 0, 0, 0, 1, 0, 1, 0));
}

TEST(AcceptTransitions, RolesThatAreNotTrainedStayOut) {
  rollout::Batch batch = FourRuns({1, 1, 1, 1});
  for (rollout::Transition& transition : batch.transitions) transition.trained = transition.run != 0;
  const Accepted accepted = AcceptTransitions(batch, {0.5, true});
  EXPECT_THAT(accepted.transitions, ElementsAre(0, 0, 0, 0, 1, 0, 0, 0));
  EXPECT_EQ(accepted.runs, 2);
  EXPECT_EQ(accepted.calls, 1);
}

class RejectionTest : public testing::TrainRunFixture {
 protected:
  TrainConfig Rejecting(const std::string& run, int64_t steps) {
    TrainConfig config = Config(run);
    config.algorithm = Algorithm::kRejection;
    config.steps = steps;
    return config;
  }
};

TEST_F(RejectionTest, WhatIsRewardedBecomesLikelier) {
  const Result<TrainSummary> summary = Train(Rejecting("run", 30));
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  const auto figures = Figures("run");
  EXPECT_GT(figures.at({30, "reward/mean"}), figures.at({1, "reward/mean"}) + 0.3);
  EXPECT_FALSE(figures.contains({1, "value/loss"}));
  EXPECT_FALSE(figures.contains({1, "role/Say/advantage_mean"}));
  EXPECT_GT(figures.at({30, "rejection/runs"}), figures.at({1, "rejection/runs"}));
}

TEST_F(RejectionTest, TheLossIsTheMeanOverTheAcceptedTokens) {
  TrainConfig config = Rejecting("run", 1);
  config.update.mini_batches = 1;
  config.export_batches = folder_ / "batches";
  ASSERT_TRUE(Train(config).ok());
  const testing::ExportedBatch batch(folder_ / "batches/step-000001");
  double sum = 0, count = 0;
  for (size_t t = 0; t < batch.json.at("transitions").size(); ++t) {
    const nlohmann::json& about = batch.json.at("transitions")[t];
    const bool may = about.at("reward") == 1.0 && about.at("penalty") == 0.0;
    for (int32_t i = batch.bounds[t]; i < batch.bounds[t + 1]; ++i) {
      const auto place = static_cast<size_t>(i);
      if (batch.counted[place] == 0) continue;
      EXPECT_TRUE(may) << t;
      EXPECT_EQ(batch.advantages[place], 1.0F);
      sum -= static_cast<double>(batch.log_probs[place]);
      ++count;
    }
  }
  ASSERT_GT(count, 0);
  EXPECT_NEAR(Figures("run").at({1, "policy/loss"}), sum / count, 1e-3);
}

TEST_F(RejectionTest, AnInterruptedRunGoesOnExactly) {
  ASSERT_TRUE(Train(Rejecting("whole", 6)).ok());
  ASSERT_TRUE(Train(Rejecting("cut", 6), {.stop_after_steps = 3}).ok());
  ASSERT_TRUE(Train(Rejecting("cut", 6), {.resume = true}).ok());
  EXPECT_EQ(Figures("cut"), Figures("whole"));
}

TEST_F(RejectionTest, AStepInWhichNothingIsAcceptedChangesNothing) {
  TrainConfig config = Rejecting("run", 3);
  config.rejection.threshold = 2;
  config.update.shuffle = true;
  const Result<TrainSummary> summary = Train(config);
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  const auto figures = Figures("run");
  EXPECT_EQ(figures.at({3, "rejection/calls"}), 0);
  EXPECT_FALSE(figures.contains({3, "policy/loss"}));
  EXPECT_EQ(figures.at({3, "dev/reward"}), figures.at({0, "dev/reward"}));
}

}  // namespace
}  // namespace jade::train
