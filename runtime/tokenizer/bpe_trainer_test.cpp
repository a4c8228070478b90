#include "runtime/tokenizer/bpe_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/tokenizer/tokenizer.h"

namespace jade::tokenizer {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

BpeTrainerOptions Options(int32_t merges) {
  return {.vocab_size = 256 + 2 + merges, .special_tokens = {"<|im_start|>", "<|im_end|>"}};
}

TokenizerSpec Trained(BpeTrainerOptions options, const std::vector<std::string>& texts) {
  BpeTrainer trainer(std::move(options));
  for (const auto& text : texts) trainer.Add(text);
  auto spec = trainer.Train();
  EXPECT_TRUE(spec.ok()) << spec.error().ToString();
  return std::move(spec).value();
}

TEST(BpeTrainerTest, MergesTheMostFrequentPairFirst) {
  // Pairs: ab 5, bc 3, "Ġa" 2 … worked by hand; "abc" is then ab + c.
  const auto spec = Trained(Options(2), {"abc", "abc", "abc", "ab", "ab"});
  EXPECT_THAT(spec.merges, ElementsAre(std::pair("a", "b"), std::pair("ab", "c")));
  EXPECT_EQ(spec.tokens[258], "ab");
  EXPECT_EQ(spec.tokens[259], "abc");
}

TEST(BpeTrainerTest, CountsAgainAfterEachMerge) {
  // "aaaa": aa counts 3 in each of 2 words; merged greedily from the left it leaves aa aa.
  const auto spec = Trained(Options(3), {"aaaa", "aaaa"});
  EXPECT_THAT(spec.merges, ElementsAre(std::pair("a", "a"), std::pair("aa", "aa")));
}

TEST(BpeTrainerTest, TiesGoToTheSmallerIds) {
  const auto spec = Trained(Options(1), {"cd", "cd", "ab", "ab"});
  EXPECT_THAT(spec.merges, ElementsAre(std::pair("a", "b")));
}

TEST(BpeTrainerTest, OrderOfTextsDoesNotMatter) {
  const auto one = Trained(Options(20), {"the cat sat", "on the mat", "the hat", "a cat"});
  const auto two = Trained(Options(20), {"a cat", "the hat", "on the mat", "the cat sat"});
  EXPECT_EQ(one.merges, two.merges);
}

TEST(BpeTrainerTest, RarePairsAreLeftAlone) {
  EXPECT_TRUE(Trained(Options(10), {"xyz"}).merges.empty());
}

TEST(BpeTrainerTest, DigitsAndSpecialTokensStaySingle) {
  const auto spec = Trained(Options(50), std::vector<std::string>(5, "<|im_start|>in 1989 and 1989<|im_end|>"));
  auto tokenizer = Tokenizer::Create(spec);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  EXPECT_EQ(tokenizer->Encode("1989").size(), 4u);
  EXPECT_THAT(tokenizer->Encode("<|im_start|>", {.allow_special = true}), ElementsAre(0));
  for (const auto& [left, right] : spec.merges) EXPECT_THAT(left + right, testing::Not(HasSubstr("|")));
}

TEST(BpeTrainerTest, WrittenFilesReadBackAlike) {
  auto spec = Trained(Options(40), std::vector<std::string>(3, "the quick brown fox jumps over the lazy dog"));
  spec.eos = 1;
  auto direct = Tokenizer::Create(spec);
  auto read = Tokenizer::FromJson(TokenizerJson(spec), TokenizerConfigJson(spec), "test");
  ASSERT_TRUE(direct.ok() && read.ok()) << read.error().ToString();
  const std::string text = "the brown dog's naïve 12 × 3\n\n  jumps";
  EXPECT_EQ(direct->Encode(text), read->Encode(text));
  EXPECT_EQ(read->Decode(read->Encode(text)), text);
  EXPECT_EQ(read->eos(), 1);
  EXPECT_EQ(read->spec().merges, spec.merges);
}

TEST(BpeTrainerTest, ImpossibleOptionsAreErrors) {
  EXPECT_THAT(BpeTrainer({.vocab_size = 100}).Train().error().ToString(), HasSubstr("too small"));
  EXPECT_THAT(BpeTrainer({.special_tokens = {"<a>", "<a>"}}).Train().error().ToString(), HasSubstr("repeated"));
}

}  // namespace
}  // namespace jade::tokenizer
