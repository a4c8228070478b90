// A measured step is a step of `jade train`, and tells what it did.

#include "runtime/train/measured_step.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/train/train_run_fixture.h"

namespace jade::train {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Le;

class MeasuredStepTest : public testing::TrainRunFixture {
 protected:
  Result<std::unique_ptr<MeasuredStep>> Make(int64_t most_reply_tokens = 0) {
    at::set_num_threads(1);
    MeasuredStepOptions options;
    options.config = Config("unused");
    options.parts = parts_;
    options.most_reply_tokens = most_reply_tokens;
    return MakeMeasuredStep(std::move(options));
  }
};

TEST_F(MeasuredStepTest, MakesTheCallsOfTheFirstStepOfATraining) {
  TrainConfig config = Config("run");
  config.steps = 1;
  config.export_batches = folder_ / "batches";
  ASSERT_TRUE(Train(config).ok());
  const testing::ExportedBatch batch(folder_ / "batches/step-000001");

  const auto step = Make();
  ASSERT_TRUE(step.ok()) << step.error().ToString();
  const auto figures = (*step)->Run();
  ASSERT_TRUE(figures.ok()) << figures.error().ToString();
  EXPECT_EQ(figures->questions, 24);
  EXPECT_EQ(figures->calls, 96);  // two samples, two roles
  EXPECT_EQ(figures->mini_batches, 2);
  EXPECT_EQ(figures->prompt_tokens + figures->response_tokens, batch.bounds.back());
  EXPECT_GT(figures->rollout_seconds, 0);
  EXPECT_GT(figures->update_seconds, 0);
  EXPECT_GE(figures->seconds, figures->rollout_seconds + figures->update_seconds);
  const std::vector<StepCall> calls = (*step)->calls();
  ASSERT_EQ(calls.size(), 96U);
  int64_t tokens = 0;
  for (const StepCall& call : calls) {
    tokens += std::ssize(call.prompt) + call.reply_tokens;
    EXPECT_TRUE(call.trained);
    EXPECT_LE(call.issued_us, call.finished_us);
  }
  EXPECT_EQ(tokens, batch.bounds.back());
  EXPECT_EQ((*step)->runs().size(), 48U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "unused"));
}

TEST_F(MeasuredStepTest, ARolloutAloneMovesNothing) {
  const auto step = Make();
  ASSERT_TRUE(step.ok()) << step.error().ToString();
  const auto first = (*step)->RollOut(), again = (*step)->RollOut();
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_EQ(first->response_tokens, again->response_tokens);
  EXPECT_EQ(first->update_seconds, 0);
  EXPECT_EQ(first->seconds, first->rollout_seconds);
  EXPECT_TRUE((*step)->LendEngine().ok());
}

TEST_F(MeasuredStepTest, RandomWeightsWriteNoMoreThanAsked) {
  const tokenizer::TokenizerSpec spec = testing::ByteTokenizerSpec();
  RandomStart random;
  random.shape.vocab_size = 300;
  random.shape.hidden_size = 32, random.shape.layers = 1, random.shape.heads = 2, random.shape.kv_heads = 1;
  random.shape.head_dim = 16, random.shape.ffn_size = 32, random.shape.max_positions = 128;
  random.shape.tied_embeddings = true;
  random.tokenizer = folder_ / "start/tokenizer.json";
  parts_.random = random;
  const auto step = Make(/*most_reply_tokens=*/3);
  ASSERT_TRUE(step.ok()) << step.error().ToString();
  EXPECT_FALSE((*step)->may_end_replies());
  EXPECT_EQ((*step)->config().vocab_size, 300);
  ASSERT_TRUE((*step)->Run().ok());
  std::vector<int64_t> replies;
  for (const StepCall& call : (*step)->calls()) replies.push_back(call.reply_tokens);
  ASSERT_FALSE(replies.empty());
  EXPECT_THAT(replies, Each(Le(3)));
}

TEST_F(MeasuredStepTest, WhatCannotBeLoadedIsSaid) {
  parts_.model = folder_ / "nowhere";
  const auto step = Make();
  ASSERT_FALSE(step.ok());
  EXPECT_THAT(step.error().ToString(), HasSubstr("nowhere"));
}

}  // namespace
}  // namespace jade::train
