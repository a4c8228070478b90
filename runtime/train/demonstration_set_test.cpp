#include "runtime/train/demonstration_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "runtime/train/training_fixtures.h"

namespace jade::train {
namespace {

using testing::ByteChat;
using testing::CopyTask;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

std::string LoadError(const std::string& line) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("d.jsonl", CopyTask(2, 1) + line + "\n");
  const auto set = DemonstrationSet::Load(path, ByteChat(), 128);
  return set.ok() ? "" : set.error().ToString();
}

TEST(DemonstrationSetTest, ABadLineIsNamed) {
  EXPECT_THAT(LoadError("{\"messages\":"), HasSubstr("d.jsonl:3: the line is not JSON"));
  EXPECT_THAT(LoadError("[]"), HasSubstr("d.jsonl:3: the line is not a JSON object"));
  EXPECT_THAT(LoadError(R"({"reply":"x"})"), HasSubstr("d.jsonl:3: `messages` must be a list"));
  EXPECT_THAT(LoadError(R"({"messages":[{"role":"user","content":"x"}]})"), HasSubstr("needs a text `reply`"));
  EXPECT_THAT(LoadError(R"({"messages":[{"role":"usr","content":"x"}],"reply":"y"})"), HasSubstr("role `usr`"));
  EXPECT_THAT(LoadError(R"({"messages":[{"role":"user","content":"x"}],"reply":"y","weight":-1})"),
              HasSubstr("`weight` must lie in"));
  EXPECT_THAT(LoadError(R"({"messages":[{"role":"assistant","content":"x","weight":0.5}],"reply":"y"})"),
              HasSubstr("the `weight` of a message is 0 or 1"));
  EXPECT_THAT(LoadError(R"({"messages":[{"role":"user","content":"x","weight":1}],"reply":"y"})"),
              HasSubstr("only an assistant message can have a `weight` of 1"));
  EXPECT_EQ(LoadError(R"({"messages":[{"role":"user","content":"x"}],"reply":"y","answers":["y"]})"), "");
}

TEST(DemonstrationSetTest, PromptAndReplyAreTheChatForm) {
  const TemporaryFolder folder;
  const std::string path =
      folder.Write("d.jsonl", R"({"role":"AG","messages":[{"role":"user","content":"hi"}],"reply":"yo"})");
  const auto chat = ByteChat();
  const auto set = DemonstrationSet::Load(path, chat, 128);
  ASSERT_TRUE(set.ok());
  const Demonstration demonstration = set->At(0);
  const std::vector<int32_t> prompt(demonstration.tokens.begin(), demonstration.tokens.end() - 3);  // y, o, end
  EXPECT_EQ(prompt, chat.RenderChat(std::vector<tokenizer::ChatMessage>{{tokenizer::ChatRole::kUser, "hi"}}));
  EXPECT_EQ(demonstration.tokens.back(), chat.end_of_turn());
  EXPECT_EQ(std::count(demonstration.reply.begin(), demonstration.reply.end(), 1), 3);
  EXPECT_EQ(std::count(demonstration.reply.end() - 3, demonstration.reply.end(), 1), 3);
  EXPECT_EQ(*demonstration.role, "AG");
}

TEST(DemonstrationSetTest, TurnsWithAWeightAreRepliesToo) {
  const TemporaryFolder folder;
  const std::string path = folder.Write("d.jsonl", R"({"messages":[{"role":"user","content":"a?"},)"
                                                   R"({"role":"assistant","content":"no","weight":0},)"
                                                   R"({"role":"user","content":"b?"},)"
                                                   R"({"role":"assistant","content":"yes","weight":1},)"
                                                   R"({"role":"user","content":"c?"}],"reply":"yo"})");
  const auto chat = ByteChat();
  const auto set = DemonstrationSet::Load(path, chat, 256);
  ASSERT_TRUE(set.ok()) << set.error().ToString();
  const Demonstration demonstration = set->At(0);
  std::vector<int32_t> trained;
  for (size_t i = 0; i < demonstration.tokens.size(); ++i) {
    if (demonstration.reply[i] != 0) trained.push_back(demonstration.tokens[i]);
  }
  std::vector<int32_t> expected = chat.RenderReply("yes");
  const std::vector<int32_t> last = chat.RenderReply("yo");
  expected.insert(expected.end(), last.begin(), last.end());
  EXPECT_EQ(trained, expected);
}

TEST(DemonstrationSetTest, LongOnesAreCounted) {
  const TemporaryFolder folder;
  std::string longer = CopyTask(1, 1);
  longer.replace(longer.find("\"reply\":\"") + 9, 0, std::string(100, 'x'));
  const std::string path = folder.Write("d.jsonl", CopyTask(3, 1) + longer);
  const auto set = DemonstrationSet::Load(path, ByteChat(), 64);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->size(), 3U);
  EXPECT_EQ(set->too_long(), 1);
  EXPECT_FALSE(DemonstrationSet::Load(path, ByteChat(), 4).ok());
}

class BatchSamplerTest : public ::testing::Test {
 protected:
  BatchSamplerTest()
      : first_(DemonstrationSet::Load(folder_.Write("a.jsonl", CopyTask(40, 1)), ByteChat(), 128).value()),
        second_(DemonstrationSet::Load(folder_.Write("b.jsonl", CopyTask(30, 2)), ByteChat(), 128).value()) {}

  TemporaryFolder folder_;
  DemonstrationSet first_, second_;
};

TEST_F(BatchSamplerTest, AnEpochShowsEachDemonstrationOnce) {
  BatchSampler sampler({&first_}, {1.0}, 3);
  std::multiset<int64_t> lines;
  while (lines.size() < 40) {
    for (const Demonstration& demonstration : sampler.Next(100)) lines.insert(demonstration.line);
  }
  for (int64_t line = 1; line <= 40; ++line) EXPECT_GE(lines.count(line), 1U) << line;
}

TEST_F(BatchSamplerTest, KeepsTheBudgetAndTheShares) {
  BatchSampler sampler({&first_, &second_}, {3.0, 1.0}, 3);
  std::map<std::string, int64_t> tokens;
  for (int i = 0; i < 60; ++i) {
    int64_t used = 0;
    for (const Demonstration& demonstration : sampler.Next(200)) {
      used += static_cast<int64_t>(demonstration.tokens.size());
      tokens[*demonstration.path] += static_cast<int64_t>(demonstration.tokens.size());
    }
    EXPECT_LE(used, 200);
  }
  const double share = static_cast<double>(tokens[first_.path()]) / static_cast<double>(tokens[second_.path()]);
  EXPECT_NEAR(share, 3.0, 0.05);
}

TEST_F(BatchSamplerTest, GoesOnFromItsCursors) {
  BatchSampler whole({&first_, &second_}, {2.0, 1.0}, 3);
  for (int i = 0; i < 17; ++i) (void)whole.Next(150);
  BatchSampler resumed({&first_, &second_}, {2.0, 1.0}, 3);
  resumed.Seek(whole.cursors());
  for (int i = 0; i < 20; ++i) {
    const auto expected = whole.Next(150);
    const auto actual = resumed.Next(150);
    ASSERT_EQ(expected.size(), actual.size());
    for (size_t k = 0; k < expected.size(); ++k) {
      EXPECT_EQ(expected[k].line, actual[k].line);
      EXPECT_EQ(*expected[k].path, *actual[k].path);
    }
  }
}

}  // namespace
}  // namespace jade::train
