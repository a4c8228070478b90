#include "bench/train/training_steps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "bench/train/fixed_step.h"

namespace jade::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::Names;

TrainingStepsOptions Options() {
  TrainingStepsOptions options;
  options.prefix = "train";
  options.samples = 2;
  options.before_sample = [] { return Status{}; };
  return options;
}

TEST(TrainingStepsTest, PartsAndTheEngineAlone) {
  testing::FixedStep step;
  const auto owners = std::make_shared<engine::EventQueue>();
  step.engine.Connect(owners);
  const auto rows = MeasureTrainingSteps(step, Options());
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_EQ(step.engine.queue(), owners);  // the next step gets its replies
  EXPECT_THAT(Names(*rows), ElementsAre("train.rollout.calls_s", "train.rollout.s", "train.rollout.engine_calls_s",
                                        "train.rollout.engine_share", "train.step.update_s", "train.step.s"));
  EXPECT_EQ(step.rollouts, 1);  // that warms up
  EXPECT_EQ(step.steps, 2);
  EXPECT_DOUBLE_EQ((*rows)[0].value, 4.0);
  EXPECT_THAT((*rows)[0].note, HasSubstr("1 questions, 2 calls, 8 prompt and 6 reply tokens"));
  ASSERT_EQ((*rows)[3].samples.size(), 2U);
  for (size_t i = 0; i < 2; ++i) EXPECT_DOUBLE_EQ((*rows)[3].samples[i], 4.0 / (*rows)[2].samples[i]);
  EXPECT_DOUBLE_EQ((*rows)[4].value, 0.75);
  EXPECT_DOUBLE_EQ((*rows)[5].value, 1.5);
  EXPECT_DOUBLE_EQ((*rows)[5].Best(), 1.0);  // of seconds the least
  // The engine made the calls of the roll-out, the second when the first had ended.
  EXPECT_THAT(step.engine.prompts, ElementsAre("first", "second", "first", "second"));
  EXPECT_EQ(step.engine.constrained, 0);
}

TEST(TrainingStepsTest, RolloutsAlone) {
  testing::FixedStep step;
  step.may_end = true;  // so the engine is kept from ending
  TrainingStepsOptions options = Options();
  options.updates = false;
  const auto rows = MeasureTrainingSteps(step, options);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_EQ(rows->size(), 4U);
  EXPECT_EQ(step.rollouts, 3);
  EXPECT_EQ(step.steps, 0);
  EXPECT_EQ(step.engine.constrained, 4);
}

TEST(TrainingStepsTest, AnInterruptionComesBack) {
  testing::FixedStep step;
  TrainingStepsOptions options = Options();
  options.before_sample = []() -> Status { return Error(ErrorCode::kCancelled, "interrupted"); };
  const auto rows = MeasureTrainingSteps(step, options);
  ASSERT_FALSE(rows.ok());
  EXPECT_EQ(rows.error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(step.steps, 0);
}

}  // namespace
}  // namespace jade::bench
