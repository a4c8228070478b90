// Prompts whose first bytes are known give the ids that they give anyway, whatever follows those bytes.

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "runtime/tokenizer/chat.h"
#include "runtime/tokenizer/prefix_cache.h"

namespace jade::tokenizer {
namespace {

const std::string kFixtures = JADE_SOURCE_DIR "/tests/fixtures/tokenizer/";

class PrefixTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    std::ifstream in(kFixtures + "strings.jsonl", std::ios::binary);
    for (std::string line; std::getline(in, line);) strings_.push_back(nlohmann::json::parse(line));
    ASSERT_GE(strings_.size(), 5000u);
  }

  // The fixture's vocabulary with what a chat needs.
  static Tokenizer Load() {
    TokenizerSpec spec = Tokenizer::LoadTokenizerJson(kFixtures + GetParam() + ".json").value().spec();
    for (const char* control :
         {"<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}) {
      if (std::any_of(spec.added.begin(), spec.added.end(),
                      [&](const AddedToken& token) { return token.content == control; })) {
        continue;
      }
      spec.added.push_back({static_cast<int32_t>(spec.tokens.size()), control});
      spec.tokens.emplace_back(control);
    }
    return Tokenizer::Create(std::move(spec)).value();
  }

  const std::string& Any() { return strings_[random_() % strings_.size()]; }
  std::string Static() {
    // What tempts a tokenizer to reach over the end: blanks, digits, elisions, marks, halves of characters.
    static const std::string kEnds[] = {"",   " ", "  ",   "\n",        "\n\n", " \n ", "'",
                                        "12", "a", "\xCC", "e\xCC\x81", "\r",   "<"};
    std::string text;
    while (text.size() < PrefixCache::kLeastBytes) text += Any();
    return text + kEnds[random_() % std::size(kEnds)];
  }
  std::string Hole() {
    static const std::string kStarts[] = {"", " ", "\n", "s ", "3", "\xCC\x81", "ll", "\x81", "\t"};
    return kStarts[random_() % std::size(kStarts)] + (random_() % 8 == 0 ? "" : Any());
  }

  std::vector<std::string> strings_;
  std::mt19937 random_{11};
};

TEST_P(PrefixTest, AKnownPrefixChangesNoId) {
  const Tokenizer cached = Load();
  const Tokenizer plain = Load();
  size_t shorter = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string prefix = Static();
    for (int k = 0; k < 5; ++k) {
      const std::string text = prefix + Hole();
      std::vector<int32_t> ids = {-1};
      cached.EncodeKnownTo(text, prefix.size(), &ids);
      ids.erase(ids.begin());
      ASSERT_EQ(ids, plain.Encode(text)) << testing::PrintToString(prefix) << " + "
                                         << testing::PrintToString(text.substr(prefix.size()));
    }
    shorter += plain.SafeCutPoint(prefix) > 0;
  }
  EXPECT_GT(shorter, 200u) << "nothing was kept";
}

TEST_P(PrefixTest, ChatsAreTheSame) {
  const Tokenizer cached = Load();
  const Tokenizer plain = Load();
  const ChatForm forms[] = {{},
                            {.default_system = "You are a model of some kind, whose text is long enough to be kept."},
                            {.style = ChatStyle::kLlama3},
                            {.style = ChatStyle::kLlama3, .system_preamble = "Date: today\n\n"}};
  for (const ChatForm& form : forms) {
    const ChatFormat known = ChatFormat::Create(cached, form).value();
    const ChatFormat unknown = ChatFormat::Create(plain, form).value();
    for (int i = 0; i < 60; ++i) {
      const std::string system = random_() % 4 == 0 ? " \n" + Static() : Static();
      const std::string user = Static();
      for (int k = 0; k < 4; ++k) {
        std::vector<ChatMessage> messages;
        if (i % 3 != 0) messages.push_back({ChatRole::kSystem, system, system.size()});
        messages.push_back({ChatRole::kUser, user + Hole(), user.size()});
        const std::vector<int32_t> ids = known.RenderChat(messages, "<answer>");
        for (ChatMessage& message : messages) message.static_bytes = 0;
        ASSERT_EQ(ids, unknown.RenderChat(messages, "<answer>")) << testing::PrintToString(user);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(PreTokenizers, PrefixTest, testing::Values("gpt2", "smollm", "llama3", "qwen2"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace jade::tokenizer
