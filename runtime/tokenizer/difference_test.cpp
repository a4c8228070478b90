#include "runtime/tokenizer/difference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace jade::tokenizer {
namespace {

using testing::HasSubstr;

TokenizerSpec Fixture() {
  return Tokenizer::LoadTokenizerJson(JADE_SOURCE_DIR "/tests/fixtures/tokenizer/smollm.json").value().spec();
}

ChatFormat Format(TokenizerSpec spec) {
  return ChatFormat::Detect(Tokenizer::Create(std::move(spec)).value()).value();
}

// From the fixture to the fixture with a change.
std::string After(const std::function<void(TokenizerSpec&)>& change) {
  TokenizerSpec changed = Fixture();
  change(changed);
  return Difference(Format(Fixture()), Format(std::move(changed)));
}

TEST(Difference, NamesTheFirstThing) {
  EXPECT_EQ(After([](TokenizerSpec&) {}), "");
  EXPECT_EQ(After([](TokenizerSpec& spec) {
              spec.added.push_back({static_cast<int32_t>(spec.tokens.size()), "<|tool|>"});
              spec.tokens.push_back("<|tool|>");
            }),
            "there is a token " + std::to_string(Fixture().tokens.size()) + ", `<|tool|>`");
  EXPECT_EQ(After([](TokenizerSpec& spec) {
              const auto& end = std::find_if(spec.added.begin(), spec.added.end(),
                                             [](const AddedToken& token) { return token.content == "<|endoftext|>"; });
              end->content = spec.tokens[static_cast<size_t>(end->id)] = "<|end|>";
            }),
            "token 0 is `<|end|>`, not `<|endoftext|>`");
  EXPECT_EQ(After([](TokenizerSpec& spec) { std::swap(spec.merges[0], spec.merges[1]); }), "its merges are others");
  EXPECT_EQ(After([](TokenizerSpec& spec) { spec.pre_tokenizer = PreTokenizer::kGpt2; }),
            "it cuts text into other words");
  EXPECT_EQ(After([](TokenizerSpec& spec) { spec.adds_bos = true; }), "it begins a text with another token");
}

TEST(Difference, OfChatTemplates) {
  const TokenizerSpec spec = Fixture();
  const ChatFormat plain = ChatFormat::Create(Tokenizer::Create(spec).value(), {}).value();
  ChatForm form;
  form.default_system = "Be brief.";
  EXPECT_THAT(Difference(plain, ChatFormat::Create(Tokenizer::Create(spec).value(), form).value()),
              HasSubstr("another system message"));
  form = {};
  form.reply_preamble = "<think></think>";
  EXPECT_THAT(Difference(plain, ChatFormat::Create(Tokenizer::Create(spec).value(), form).value()),
              HasSubstr("another preamble"));
}

}  // namespace
}  // namespace jade::tokenizer
