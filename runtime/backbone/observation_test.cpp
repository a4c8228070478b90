#include "runtime/backbone/observation.h"

#include <gtest/gtest.h>

#include "runtime/backbone/byte_tokenizer.h"

namespace jade::backbone {
namespace {

using engine::MessageRole;

// "<|im_start|>user\n" is 6 tokens here, "<|im_end|>\n" 2, "<|im_start|>assistant\n" 11.
TEST(Observation, RendersMessagesAndThePrefill) {
  const Observation o = RenderObservation(ByteChat(), {{MessageRole::kUser, "abc"}, {MessageRole::kPrefill, "x"}});
  EXPECT_EQ(ByteTokenizer().Decode(o.ids, false), "<|im_start|>user\nabc<|im_end|>\n<|im_start|>assistant\nx");
  EXPECT_EQ(o.static_tokens, -1);
}

TEST(Observation, CountsTokensOfStaticStarts) {
  const auto count = [](const engine::Messages& messages) {
    return RenderObservation(ByteChat(), messages).static_tokens;
  };
  EXPECT_EQ(count({{MessageRole::kUser, "abcdef", 4}}), 6 + 4);
  // All of a message is static: the next one begins within the static part.
  EXPECT_EQ(count({{MessageRole::kSystem, "sys", 3}, {MessageRole::kUser, "abcdef", 2}}), (8 + 3 + 2) + 6 + 2);
  EXPECT_EQ(count({{MessageRole::kSystem, "sys", 3}, {MessageRole::kUser, "abcdef", 0}}), (8 + 3 + 2) + 6);
  // What comes after something of the call's own is not at the start.
  EXPECT_EQ(count({{MessageRole::kSystem, "sys", 1}, {MessageRole::kUser, "abcdef", 6}}), 8 + 1);
  EXPECT_EQ(count({{MessageRole::kUser, "ab", 2}, {MessageRole::kPrefill, "xyz"}}), 6 + 2 + 2 + 11);
}

TEST(Observation, ARolesStartIsWhatAllItsCallsBeginWith) {
  RoleStarts starts;
  const std::vector<int32_t> first{1, 2, 3, 4, 5}, second{1, 2, 3, 9}, third{1, 2, 7, 7, 7, 7};
  EXPECT_EQ(starts.Note(0, "AG", first), 0);
  EXPECT_EQ(starts.Note(0, "QR", second), 0);
  EXPECT_EQ(starts.Note(1, "AG", second), 0);
  EXPECT_EQ(starts.Note(0, "AG", second), 3);
  EXPECT_EQ(starts.Note(0, "AG", third), 2);
  EXPECT_EQ(starts.Note(0, "AG", first), 2);
}

}  // namespace
}  // namespace jade::backbone
