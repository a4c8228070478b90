#include "runtime/train/sft_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::train {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGood = R"(model:
  init: { hidden: 64, layers: 2, heads: 4, kv_heads: 2, ffn: 128 }
tokenizer: { path: tok }
run: run
output: out
batch: { tokens: 1000 }
stages:
  - name: first
    data: [a.jsonl, { path: b.jsonl, weight: 2 }]
    tokens: 5000
    lr: 2e-3
    loss: { prompt: 0.5 }
)";

TEST(SftConfigTest, ReadsWhatIsGivenAndKeepsDefaults) {
  const auto config = ParseSftConfig("sft.yaml", kGood);
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  ASSERT_TRUE(config->init.has_value());
  EXPECT_EQ(config->init->head_dim, 16);
  EXPECT_EQ(config->init->kv_heads, 2);
  EXPECT_EQ(config->batch_tokens, 1000);
  EXPECT_EQ(config->micro_tokens, 4096);
  EXPECT_EQ(config->device, "auto");
  EXPECT_EQ(ParseSftConfig("sft.yaml", std::string(kGood) + "device: cuda\n")->device, "cuda");
  ASSERT_EQ(config->stages.size(), 1U);
  const SftStage& stage = config->stages[0];
  ASSERT_EQ(stage.data.size(), 2U);
  EXPECT_EQ(stage.data[0].path, "a.jsonl");
  EXPECT_EQ(stage.data[1].path, "b.jsonl");
  EXPECT_DOUBLE_EQ(stage.data[1].weight, 2);
  EXPECT_DOUBLE_EQ(stage.loss.prompt, 0.5);
  EXPECT_DOUBLE_EQ(stage.loss.reply, 1);
  EXPECT_EQ(config->total_tokens(), 5000);
}

TEST(SftConfigTest, ReadsTheOptimiser) {
  const auto config = ParseSftConfig("sft.yaml", std::string(kGood) + "optimiser: { kind: muon, momentum: 0.9 }\n");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->optimiser.kind, OptimiserKind::kMuon);
  EXPECT_DOUBLE_EQ(config->optimiser.momentum, 0.9);
  const auto other = ParseSftConfig("sft.yaml", std::string(kGood) + "optimiser: { kind: adam }\n");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().ToString(), HasSubstr("adamw"));
}

TEST(SftConfigTest, NamesEveryMistakeWithItsLine) {
  std::string text = kGood;
  text.replace(text.find("tokens: 5000"), 12, "token: 5000");
  text.replace(text.find("heads: 4"), 8, "heads: 3");
  text += "learning_rat: 1\n";
  const auto config = ParseSftConfig("sft.yaml", text);
  ASSERT_FALSE(config.ok());
  const std::string message = config.error().ToString();
  EXPECT_THAT(message, HasSubstr("sft.yaml:2: heads must be a multiple of kv_heads"));
  EXPECT_THAT(message, HasSubstr("sft.yaml:10: unknown key `token`"));
  EXPECT_THAT(message, HasSubstr("did you mean `tokens`"));
  EXPECT_THAT(message, HasSubstr("sft.yaml:13: unknown key `learning_rat`"));
}

TEST(SftConfigTest, WantsExactlyOneStart) {
  std::string text = kGood;
  text.replace(text.find("  init:"), 7, "  from: folder\n  init:");
  const auto both = ParseSftConfig("sft.yaml", text);
  ASSERT_FALSE(both.ok());
  EXPECT_THAT(both.error().ToString(), HasSubstr("either `init` (from scratch) or `from`"));
}

}  // namespace
}  // namespace jade::train
