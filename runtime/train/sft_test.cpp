#include "runtime/train/sft.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "runtime/train/training_fixtures.h"
#include "runtime/weights/model_files.h"

namespace jade::train {
namespace {

using nlohmann::json;
using testing::CopyTask;
using ::testing::HasSubstr;
using testing::SmallConfig;
using testing::TemporaryFolder;

std::vector<double> Losses(const std::string& run) {
  std::ifstream file(run + "/metrics.jsonl");
  std::vector<double> losses;
  for (std::string line; std::getline(file, line);) {
    const json object = json::parse(line);
    if (object.contains("loss")) losses.push_back(object["loss"].get<double>());
  }
  return losses;
}

Result<SftSummary> Train(const SftConfig& config, SftOptions options = {}) {
  progress::SilentSink progress;
  return RunSft(config, progress, options);
}

// Seeds: model 7, training words 1, held-out words 2.
TEST(SftTest, LearnsToCopyFromItsPrompt) {
  const TemporaryFolder folder;
  SftConfig config = SmallConfig(folder, folder.Write("train.jsonl", CopyTask(3000, 1)));
  config.dev = {folder.Write("dev.jsonl", CopyTask(100, 2))};
  config.stages[0].tokens = 512 * 3000;
  config.stages[0].lr = 3e-3;
  config.stages[0].warm_up = 0.1;
  const auto summary = Train(config);
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  // Three random letters and the end: a model that cannot see the prompt stays above 3 · log 8 / 4 = 1.56.
  EXPECT_LT(summary->dev_loss, 0.3);
  EXPECT_GT(summary->dev_match, 0.8);
  EXPECT_EQ(summary->dev_match_by_role.count("copy"), 1U);
  const auto files = weights::ModelFiles::Open(summary->output);
  ASSERT_TRUE(files.ok()) << files.error().ToString();
  EXPECT_EQ(files->config().hidden_size, 32);
}

TEST(SftTest, AResumedRunHasTheSameLossesBitForBit) {
  const TemporaryFolder folder;
  SftConfig config = SmallConfig(folder, folder.Write("train.jsonl", CopyTask(60, 1)));
  config.stages.push_back(config.stages[0]);
  config.stages[1].name = "again";
  config.stages[1].loss.prompt = 0.25;
  ASSERT_TRUE(Train(config).ok());
  const std::vector<double> whole = Losses(config.run);
  ASSERT_GT(whole.size(), 20U);

  config.run = folder / "pieces";
  int pieces = 0;
  while (true) {  // five steps at a time: across epochs and the change of stage
    SftOptions options;
    options.resume = true;
    options.stop_after_steps = 5;
    const auto summary = Train(config, options);
    ASSERT_TRUE(summary.ok()) << summary.error().ToString();
    ++pieces;
    if (!summary->interrupted) break;
  }
  EXPECT_GT(pieces, 3);
  EXPECT_EQ(Losses(config.run), whole);
}

TEST(SftTest, CancelWritesACheckpointAndARunIsNotOverwritten) {
  const TemporaryFolder folder;
  const SftConfig config = SmallConfig(folder, folder.Write("train.jsonl", CopyTask(60, 1)));
  const std::atomic<bool> cancel{true};
  SftOptions options;
  options.cancel = &cancel;
  const auto summary = Train(config, options);
  ASSERT_TRUE(summary.ok());
  EXPECT_TRUE(summary->interrupted);
  EXPECT_TRUE(summary->output.empty());
  const auto again = Train(config);
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().ToString(), HasSubstr("--resume"));
}

TEST(SftTest, ACheckpointOfAnotherModelIsRefused) {
  const TemporaryFolder folder;
  SftConfig config = SmallConfig(folder, folder.Write("train.jsonl", CopyTask(60, 1)));
  SftOptions options;
  options.resume = true;
  options.stop_after_steps = 1;
  ASSERT_TRUE(Train(config, options).ok());
  config.init->ffn_size = 48;
  const auto other = Train(config, options);
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().ToString(), HasSubstr("belongs to another model"));
}

TEST(SftTest, StopsAtTheFirstLossThatIsNotFinite) {
  const TemporaryFolder folder;
  SftConfig config = SmallConfig(folder, folder.Write("train.jsonl", CopyTask(60, 1)));
  config.stages[0].lr = 1e30;
  config.stages[0].warm_up = 0;
  const auto summary = Train(config);
  ASSERT_FALSE(summary.ok());
  EXPECT_THAT(summary.error().ToString(), HasSubstr("of stage `copy`"));
  EXPECT_THAT(summary.error().ToString(), HasSubstr("train.jsonl:"));
}

TEST(SftTest, GoesOnFromAFolder) {
  const TemporaryFolder folder;
  SftConfig config = SmallConfig(folder, folder.Write("train.jsonl", CopyTask(60, 1)));
  config.output_bf16 = false;
  const auto first = Train(config);
  ASSERT_TRUE(first.ok());
  config.init.reset();
  config.start = config.output;
  config.run = folder / "second";
  config.output = folder / "tuned";
  const auto second = Train(config);
  ASSERT_TRUE(second.ok()) << second.error().ToString();
  EXPECT_LT(Losses(config.run).front(), Losses(folder / "run").front());
}

// The update of two micro-batches is that of one batch, whatever their sizes.
TEST(SftTest, MicroBatchesDoNotChangeTheLoss) {
  const TemporaryFolder folder;
  SftConfig config = SmallConfig(folder, folder.Write("train.jsonl", CopyTask(60, 1)));
  config.stages[0].loss.prompt = 0.5;
  ASSERT_TRUE(Train(config).ok());
  const std::vector<double> pieces = Losses(config.run);
  config.run = folder / "whole";
  config.micro_tokens = 4096;
  ASSERT_TRUE(Train(config).ok());
  const std::vector<double> whole = Losses(config.run);
  ASSERT_EQ(pieces.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(pieces[i], whole[i], 2e-4) << "step " << i;
}

}  // namespace
}  // namespace jade::train
