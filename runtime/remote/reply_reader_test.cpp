#include "runtime/remote/reply_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace jade::remote::internal {
namespace {

using engine::Finish;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

engine::Reply Whole(const std::string& body) {
  ReplyReader reader;
  EXPECT_TRUE(reader.ReadWhole(body).ok());
  EXPECT_TRUE(reader.Finish().ok());
  return reader.Take(nullptr);
}

TEST(ReplyReaderTest, OpenAiCompletions) {
  const auto reply = Whole(
      R"({"choices":[{"text":"Paris","finish_reason":"stop",
          "logprobs":{"tokens":["Par","is"],"token_logprobs":[-0.5,-0.25],"top_logprobs":[{},{}]}}],
          "usage":{"prompt_tokens":12,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":8}}})");
  EXPECT_EQ(reply.text, "Paris");
  EXPECT_EQ(reply.finish, Finish::kStop);
  EXPECT_THAT(reply.log_probs, ElementsAre(-0.5F, -0.25F));
  EXPECT_THAT(reply.action_ids, IsEmpty()) << "no ids were named";
  EXPECT_EQ(reply.prompt_tokens, 12);
  EXPECT_EQ(reply.reply_tokens, 2);
  EXPECT_EQ(reply.cached_tokens, 8);
}

TEST(ReplyReaderTest, LlamaCppNamesIdsAndProbabilities) {
  const auto reply = Whole(
      R"({"choices":[{"text":"Paris","finish_reason":"length","logprobs":{"content":[
            {"id":5,"token":"Par","bytes":[80],"prob":0.5,"top_probs":[]},
            {"id":6,"token":"is","bytes":[105],"prob":1.0,"top_probs":[]}]}}],
          "usage":{"prompt_tokens":12,"completion_tokens":2},
          "timings":{"prompt_ms":1.5,"predicted_ms":20.25}})");
  EXPECT_EQ(reply.finish, Finish::kLength);
  EXPECT_THAT(reply.action_ids, ElementsAre(5, 6));
  ASSERT_EQ(reply.log_probs.size(), 2U);
  EXPECT_FLOAT_EQ(reply.log_probs[0], std::log(0.5F));
  EXPECT_EQ(reply.log_probs[1], 0.0F);
  EXPECT_EQ(reply.timings.prefill_us, 1500);
  EXPECT_EQ(reply.timings.decode_us, 20250);
}

TEST(ReplyReaderTest, VllmNamesIdsOfPromptAndReply) {
  auto reply = Whole(
      R"({"choices":[{"text":"a","finish_reason":"stop","prompt_token_ids":[1,2,3],"token_ids":[7,8],
          "logprobs":{"tokens":["a",""],"token_logprobs":[-1.0,-2.0]}}],"usage":{"completion_tokens":2}})");
  EXPECT_THAT(reply.observation_ids, ElementsAre(1, 2, 3));
  EXPECT_THAT(reply.action_ids, ElementsAre(7, 8));
  EXPECT_THAT(reply.log_probs, ElementsAre(-1.0F, -2.0F));
  reply = Whole(
      R"({"choices":[{"text":"a","finish_reason":"stop",
          "logprobs":{"tokens":["token_id:7","token_id:8"],"token_logprobs":[-1.0,-2.0]}}]})");
  EXPECT_THAT(reply.action_ids, ElementsAre(7, 8));
}

TEST(ReplyReaderTest, Chat) {
  const auto reply = Whole(
      R"({"choices":[{"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop",
          "logprobs":{"content":[{"token":"Hi","logprob":-0.5}]}}],"prompt_token_ids":[4]})");
  EXPECT_EQ(reply.text, "Hi");
  EXPECT_THAT(reply.log_probs, ElementsAre(-0.5F));
  EXPECT_THAT(reply.observation_ids, ElementsAre(4));
  EXPECT_EQ(Whole(R"({"choices":[{"message":{"content":null},"finish_reason":"stop"}]})").text, "");
}

TEST(ReplyReaderTest, IdsThatAreNotAllAreNone) {
  // A stop string's tokens are counted, but not listed.
  const auto fewer = Whole(
      R"({"choices":[{"text":"a","finish_reason":"stop","logprobs":{"content":[{"id":7,"token":"a","logprob":-1}]}}],
          "usage":{"completion_tokens":3}})");
  EXPECT_THAT(fewer.action_ids, IsEmpty());
  EXPECT_THAT(fewer.log_probs, IsEmpty());
  EXPECT_EQ(fewer.reply_tokens, 3);
  for (const char* id : {"-1", "4294967296", "1.5", "\"7\"", "18446744073709551615"}) {
    const auto odd = Whole(std::string(R"({"choices":[{"text":"a","finish_reason":"stop","token_ids":[7,)") + id +
                           R"(]}],"usage":{"completion_tokens":2}})");
    EXPECT_THAT(odd.action_ids, IsEmpty()) << id;
  }
  const auto no_number = Whole(
      R"({"choices":[{"text":"ab","finish_reason":"stop","token_ids":[7,8],
          "logprobs":{"tokens":["a","b"],"token_logprobs":[null,-1]}}]})");
  EXPECT_THAT(no_number.action_ids, ElementsAre(7, 8));
  EXPECT_THAT(no_number.log_probs, IsEmpty());
}

TEST(ReplyReaderTest, StreamsInAnyPieces) {
  const std::string stream =
      "data: {\"choices\":[{\"text\":\"Pa\",\"token_ids\":[1],\"prompt_token_ids\":[9]}]}\n\n: ping\n\n"
      "data: {\"choices\":[{\"text\":\"ris\",\"token_ids\":[2],\"finish_reason\":null}]}\n\n"
      "data: {\"choices\":[{\"text\":\"\",\"token_ids\":[3],\"finish_reason\":\"stop\"}]}\n\n"
      "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":3}}\n\ndata: [DONE]\n\n";
  for (size_t piece = 1; piece < stream.size(); piece += 7) {
    ReplyReader reader;
    std::string text;
    for (size_t at = 0; at < stream.size(); at += piece) {
      auto delta = reader.Push(std::string_view(stream).substr(at, piece));
      ASSERT_TRUE(delta.ok()) << delta.error().ToString();
      text += *delta;
    }
    EXPECT_EQ(text, "Paris");
    EXPECT_TRUE(reader.Finish().ok());
    const auto reply = reader.Take(nullptr);
    EXPECT_THAT(reply.action_ids, ElementsAre(1, 2, 3));
    EXPECT_THAT(reply.observation_ids, ElementsAre(9));
  }
  for (size_t length = 0; length < stream.find("\"stop\""); length += 5) {
    ReplyReader reader;
    ASSERT_TRUE(reader.Push(std::string_view(stream).substr(0, length)).ok());
    EXPECT_FALSE(reader.Finish().ok()) << "cut off after " << length << " bytes";
  }
}

TEST(ReplyReaderTest, ARepeatedPrefillIsLeftOut) {
  const auto read = [](const std::vector<std::string>& pieces) {
    ReplyReader reader("<answer>");
    std::string deltas;
    for (const std::string& piece : pieces) {
      auto delta = reader.Push(R"(data: {"choices":[{"delta":{"content":")" + piece + "\"}}]}\n\n");
      EXPECT_TRUE(delta.ok());
      if (delta.ok()) deltas += *delta;
    }
    const std::string text = reader.Take(nullptr).text;
    EXPECT_TRUE(text.starts_with(deltas));
    return text;
  };
  EXPECT_EQ(read({"<ans", "wer>", "Paris"}), "Paris");
  EXPECT_EQ(read({"<answer>Paris"}), "Paris");
  EXPECT_EQ(read({"Par", "is"}), "Paris");
  EXPECT_EQ(read({"<an", "d so on"}), "<and so on");
  EXPECT_EQ(read({"<an"}), "<an");
  EXPECT_EQ(read({"<answer>", "<answer>"}), "<answer>");
}

TEST(ReplyReaderTest, SaysWhatIsMalformed) {
  const auto problem = [](const std::string& body) {
    ReplyReader reader;
    Status status = reader.ReadWhole(body);
    if (status.ok()) status = reader.Finish();
    return status.ok() ? std::string() : status.error().ToString();
  };
  EXPECT_THAT(problem(""), HasSubstr("not JSON"));
  EXPECT_THAT(problem("{\"choices\":[{\"text\":\"cut of"), HasSubstr("not JSON"));
  EXPECT_THAT(problem("[]"), HasSubstr("not a JSON object"));
  EXPECT_THAT(problem("{}"), HasSubstr("no list `choices`"));
  EXPECT_THAT(problem(R"({"choices":{}})"), HasSubstr("no list `choices`"));
  EXPECT_THAT(problem(R"({"choices":[]})"), HasSubstr("ended in the middle"));
  EXPECT_THAT(problem(R"({"choices":[5]})"), HasSubstr("ended in the middle"));
  EXPECT_THAT(problem(R"({"choices":[{"text":["a"],"finish_reason":"stop"}]})"), HasSubstr("not a text"));
  EXPECT_THAT(problem(R"({"choices":[{"text":"a"}]})"), HasSubstr("ended in the middle"));
  EXPECT_THAT(problem(R"({"choices":[{"text":"a","finish_reason":"content_filter"}]})"), HasSubstr("withheld"));
  EXPECT_THAT(problem(R"({"error":{"message":"out of slots"}})"), HasSubstr("the server failed: out of slots"));
  EXPECT_THAT(problem(std::string(1'000'000, '[')), HasSubstr("nests too deep"));
  EXPECT_THAT(problem("{\"choices\":[{\"text\":\"\xff\"}]}"), HasSubstr("not JSON"));
}

}  // namespace
}  // namespace jade::remote::internal
