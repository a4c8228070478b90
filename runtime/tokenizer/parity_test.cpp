// Against the ids that Hugging Face `tokenizers` gives (tests/fixtures/tokenizer, made by
// scripts/fixtures/tokenizer.py).

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "runtime/tokenizer/bpe_trainer.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/unicode.h"

namespace jade::tokenizer {
namespace {

const std::string kFixtures = JADE_SOURCE_DIR "/tests/fixtures/tokenizer/";

std::vector<std::string> Lines(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<int32_t> Ids(const std::string& line) {
  std::istringstream in(line);
  std::vector<int32_t> ids;
  for (int32_t id = 0; in >> id;) ids.push_back(id);
  return ids;
}

const std::vector<std::string>& Strings() {
  static const auto* const strings = [] {
    auto* all = new std::vector<std::string>;
    for (const auto& line : Lines(kFixtures + "strings.jsonl")) all->push_back(nlohmann::json::parse(line));
    return all;
  }();
  return *strings;
}

class ParityTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    auto loaded = Tokenizer::LoadTokenizerJson(kFixtures + GetParam() + ".json");
    ASSERT_TRUE(loaded.ok()) << loaded.error().ToString();
    tokenizer_.emplace(std::move(loaded).value());
  }
  std::optional<Tokenizer> tokenizer_;
};

TEST_P(ParityTest, PlainTextGivesTheSameIds) {
  const auto lines = Lines(kFixtures + GetParam() + ".plain.ids");
  ASSERT_EQ(lines.size(), Strings().size());
  ASSERT_GE(lines.size(), 5000u);
  for (size_t i = 0; i < lines.size(); ++i) {
    ASSERT_EQ(tokenizer_->Encode(Strings()[i]), Ids(lines[i]))
        << "string " << i << ": " << testing::PrintToString(Strings()[i]);
  }
}

TEST_P(ParityTest, ControlTokensAreRecognisedWhenAllowed) {
  const auto lines = Lines(kFixtures + GetParam() + ".special.ids");
  ASSERT_GE(lines.size(), 50u);
  for (const auto& line : lines) {
    auto ids = Ids(line);
    const auto index = static_cast<size_t>(ids.front());
    ids.erase(ids.begin());
    ASSERT_EQ(tokenizer_->Encode(Strings()[index], {.allow_special = true}), ids) << "string " << index;
  }
}

TEST_P(ParityTest, DecodingGivesTheTextBack) {
  for (const auto& text : Strings()) {
    const auto ids = tokenizer_->Encode(text);
    const std::string expected = tokenizer_->spec().normalise_nfc ? NormaliseNfc(text) : text;
    ASSERT_EQ(tokenizer_->Decode(ids), expected);
    StreamDecoder stream(*tokenizer_);
    std::string streamed;
    for (int32_t id : ids) streamed += stream.Push(id);
    streamed += stream.Finish();
    ASSERT_EQ(streamed, expected);
  }
}

// What SafeCutPoint promises: the prefix before the cut can be encoded once, whatever follows.
TEST_P(ParityTest, NoContinuationMovesASafeCut) {
  std::mt19937 random(7);
  const auto& strings = Strings();
  size_t cuts_inside = 0;
  for (size_t i = 0; i < strings.size(); ++i) {
    const std::string& text = strings[i];
    const size_t cut = tokenizer_->SafeCutPoint(text);
    ASSERT_LE(cut, text.size());
    cuts_inside += cut > 0;
    for (int k = 0; k < 4; ++k) {
      const std::string& next = strings[random() % strings.size()];
      auto parts = tokenizer_->Encode(std::string_view(text).substr(0, cut));
      const auto rest = tokenizer_->Encode(text.substr(cut) + next);
      parts.insert(parts.end(), rest.begin(), rest.end());
      ASSERT_EQ(parts, tokenizer_->Encode(text + next))
          << testing::PrintToString(text) << " cut at " << cut << " + " << testing::PrintToString(next);
    }
  }
  EXPECT_GT(cuts_inside, strings.size() / 2);
}

TEST_P(ParityTest, FilesWeWriteReadBackAlike) {
  auto again =
      Tokenizer::FromJson(TokenizerJson(tokenizer_->spec()), TokenizerConfigJson(tokenizer_->spec()), "written");
  ASSERT_TRUE(again.ok()) << again.error().ToString();
  for (size_t i = 0; i < Strings().size(); i += 7) {
    ASSERT_EQ(again->Encode(Strings()[i], {.allow_special = true}),
              tokenizer_->Encode(Strings()[i], {.allow_special = true}));
  }
}

// The fixtures' vocabularies were trained by Hugging Face on these very strings; ours must learn the same merges.
// Hugging Face counts control tokens in the text as text, so ours is not told of them.
TEST_P(ParityTest, OurTrainerLearnsTheSameMerges) {
  const TokenizerSpec& spec = tokenizer_->spec();
  BpeTrainer trainer({.vocab_size = static_cast<int32_t>(spec.tokens.size() - spec.added.size()),
                      .pre_tokenizer = spec.pre_tokenizer,
                      .normalise_nfc = spec.normalise_nfc,
                      .max_token_bytes = 4096});
  for (const auto& text : Strings()) trainer.Add(text);
  const auto trained = trainer.Train();
  ASSERT_TRUE(trained.ok()) << trained.error().ToString();
  size_t same = 0;
  while (same < spec.merges.size() && same < trained->merges.size() && spec.merges[same] == trained->merges[same])
    ++same;
  EXPECT_EQ(same, spec.merges.size());
}

INSTANTIATE_TEST_SUITE_P(PreTokenizers, ParityTest, testing::Values("gpt2", "smollm", "llama3", "qwen2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace jade::tokenizer
