#include "runtime/tokenizer/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "runtime/tokenizer/unicode.h"

namespace jade::tokenizer {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

// Bytes a, b, c and two merges; a control token. The vocabulary has no other byte.
json Small() {
  return json::parse(R"({
    "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
    "added_tokens": [{"id": 5, "content": "<|end|>", "special": true}],
    "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4}, "merges": ["a b", ["ab", "c"]]}
  })");
}

Result<Tokenizer> Load(const json& file, const std::string& config = "") {
  return Tokenizer::FromJson(file.dump(), config, "tokenizer.json");
}

std::string Problem(const json& file) {
  auto tokenizer = Load(file);
  return tokenizer.ok() ? "no error" : tokenizer.error().ToString();
}

TEST(TokenizerTest, MergesInOrderOfRank) {
  auto tokenizer = Load(Small());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  EXPECT_THAT(tokenizer->Encode("abcab"), ElementsAre(4, 3));
  EXPECT_THAT(tokenizer->Encode(""), ElementsAre());
  EXPECT_EQ(tokenizer->vocab_size(), 6);
  EXPECT_EQ(tokenizer->TokenId("abc"), 4);
  EXPECT_EQ(tokenizer->TokenId("xyz"), std::nullopt);
  EXPECT_EQ(tokenizer->TokenBytes(3), "ab");
  EXPECT_EQ(tokenizer->TokenBytes(6), "");
  EXPECT_EQ(tokenizer->TokenBytes(-1), "");
}

TEST(TokenizerTest, TextNeverBecomesAControlToken) {
  const auto tokenizer = Load(Small()).value();
  EXPECT_THAT(tokenizer.Encode("a<|end|>b"), ElementsAre(0, 1));  // its bytes have no tokens in this vocabulary
  EXPECT_THAT(tokenizer.Encode("a<|end|>b", {.allow_special = true}), ElementsAre(0, 5, 1));
  EXPECT_EQ(tokenizer.Decode(std::vector<int32_t>{0, 5, 1}), "ab");
  EXPECT_EQ(tokenizer.Decode(std::vector<int32_t>{0, 5, 1}, false), "a<|end|>b");
}

TEST(TokenizerTest, BytesWithoutATokenAreUnknownOrDropped) {
  json file = Small();
  EXPECT_THAT(Load(file).value().Encode("azb"), ElementsAre(3));  // dropped before merging, as in Hugging Face
  file["model"]["unk_token"] = "<|end|>";
  EXPECT_THAT(Load(file).value().Encode("azb"), ElementsAre(0, 5, 1));
}

TEST(TokenizerTest, AMissingMergeIsAnErrorThatNamesTheToken) {
  json file = Small();
  file["model"]["merges"].erase(1);
  EXPECT_THAT(Problem(file), HasSubstr("tokenizer `tokenizer.json`: no merge makes the token `abc` (id 4)"));
  file["model"]["ignore_merges"] = true;
  EXPECT_EQ(Problem(file), "no error");
  file = Small();
  file["model"].erase("merges");
  EXPECT_THAT(Problem(file), HasSubstr("`model.merges` is missing"));
  file = Small();
  file["model"]["merges"].push_back("b c");
  EXPECT_THAT(Problem(file), HasSubstr("merge 2 (`b` + `c`) needs the token `bc`"));
  file["model"]["merges"][2] = "b";
  EXPECT_THAT(Problem(file), HasSubstr("`model.merges[2]` is not two tokens"));
  file["model"]["merges"][2] = json::array({1, 2});
  EXPECT_THAT(Problem(file), HasSubstr("`model.merges[2]`"));
}

TEST(TokenizerTest, DamagedFilesSayWhere) {
  EXPECT_THAT(Tokenizer::FromJson("{\n\"model\": ", "", "t").error().ToString(), HasSubstr("not valid JSON at line 2"));
  EXPECT_THAT(Tokenizer::FromJson("", "", "t").error().ToString(), HasSubstr("not valid JSON"));
  EXPECT_THAT(Problem(json::array()), HasSubstr("not a JSON object"));
  EXPECT_THAT(Problem(json::object()), HasSubstr("`pre_tokenizer` is missing"));
  const auto with = [](const char* pointer, const json& value) {
    json file = Small();
    file[json::json_pointer(pointer)] = value;
    return Problem(file);
  };
  EXPECT_THAT(with("/model", 3), HasSubstr("`model` is missing or not an object"));
  EXPECT_THAT(with("/model/vocab", json::array()), HasSubstr("`model.vocab`"));
  EXPECT_THAT(with("/model/vocab/c", -1), HasSubstr("gives `c` the id -1"));
  EXPECT_THAT(with("/model/vocab/c", int64_t{1} << 40), HasSubstr("out of range"));
  EXPECT_THAT(with("/model/vocab/c", "x"), HasSubstr("out of range"));
  EXPECT_THAT(with("/model/vocab/c", 0), HasSubstr("have the id 0"));
  EXPECT_THAT(with("/model/type", "Unigram"), HasSubstr("`Unigram`"));
  EXPECT_THAT(with("/pre_tokenizer/type", "Metaspace"), HasSubstr("`Metaspace`"));
  EXPECT_THAT(with("/pre_tokenizer/add_prefix_space", true), HasSubstr("add_prefix_space"));
  EXPECT_THAT(with("/normalizer", {{"type", "Lowercase"}}), HasSubstr("`Lowercase`"));
  EXPECT_THAT(with("/added_tokens", 1), HasSubstr("`added_tokens` is not a list"));
  EXPECT_THAT(with("/added_tokens/0/id", -5), HasSubstr("out of range"));
  EXPECT_THAT(with("/added_tokens/0/content", ""), HasSubstr("is empty"));
  EXPECT_EQ(Tokenizer::LoadTokenizerJson("no/such/file").error().code(), ErrorCode::kNotFound);
}

TEST(TokenizerTest, TheConfigurationNamesControlTokens) {
  const auto tokenizer =
      Load(Small(), R"({"eos_token": {"content": "<|end|>"}, "bos_token": null, "chat_template": "x"})").value();
  EXPECT_EQ(tokenizer.eos(), 5);
  EXPECT_EQ(tokenizer.bos(), std::nullopt);
  EXPECT_EQ(tokenizer.spec().chat_template, "x");
  EXPECT_THAT(Load(Small(), "{").error().ToString(), HasSubstr("tokenizer_config.json: not valid JSON"));
}

Tokenizer Fixture(const std::string& name) {
  return Tokenizer::LoadTokenizerJson(JADE_SOURCE_DIR "/tests/fixtures/tokenizer/" + name + ".json").value();
}

TEST(TokenizerTest, LongLinesTakeTheHeapAndGiveTheTextBack) {
  for (const char* name : {"gpt2", "qwen2"}) {
    const auto tokenizer = Fixture(name);
    std::string line;
    while (line.size() < 1'000'000) line += "the harbour";  // one word of letters and no spaces but these
    const std::string letters(1'000'000, 'a');
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(line)), line);
    EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(letters)), letters);
  }
}

TEST(TokenizerTest, BytesThatAreNotUtf8AreEncodedAsBytes) {
  const auto tokenizer = Fixture("gpt2");
  const std::string bytes = "a\xFF\xC3 \xE2\x82 z\xF0\x9F";
  std::string back;
  for (int32_t id : tokenizer.Encode(bytes)) back += tokenizer.TokenBytes(id);
  EXPECT_EQ(back, bytes);
  EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(bytes)), "a\uFFFD\uFFFD \uFFFD z\uFFFD");
}

TEST(TokenizerTest, SafeCutsAreWhereTheyAreWorthHaving) {
  const auto tokenizer = Fixture("smollm");
  EXPECT_EQ(tokenizer.SafeCutPoint("Question: "), 9u);  // the space may join the next word
  EXPECT_EQ(tokenizer.SafeCutPoint("Question:"), 8u);
  EXPECT_EQ(tokenizer.SafeCutPoint("in 1984"), 7u);  // digits stand alone
  EXPECT_EQ(tokenizer.SafeCutPoint("word"), 0u);
  EXPECT_EQ(Fixture("qwen2").SafeCutPoint("Reply: e"), 6u);  // an accent may follow the e
}

TEST(UnicodeTest, MarksAreSortedNotBubbled) {
  EXPECT_EQ(NormaliseNfc("e\u0301"), "\u00e9");
  EXPECT_EQ(NormaliseNfc("q\u0307\u0323"), "q\u0323\u0307");
  EXPECT_EQ(NormaliseNfc("\u1100\u1161\u11a8"), "\uac01");
  std::string marks = "x";
  for (int i = 0; i < 100'000; ++i) marks += "\u0301\u0323";
  EXPECT_EQ(NormaliseNfc(marks).size(), NormaliseNfc(NormaliseNfc(marks)).size());
}

}  // namespace
}  // namespace jade::tokenizer
