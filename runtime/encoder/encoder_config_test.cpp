#include "runtime/encoder/encoder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace jade::encoder {
namespace {

using testing::HasSubstr;

nlohmann::json Good() {
  return {{"model_type", "bert"},          {"vocab_size", 100},        {"hidden_size", 24},
          {"num_hidden_layers", 2},        {"num_attention_heads", 3}, {"intermediate_size", 40},
          {"max_position_embeddings", 64}, {"type_vocab_size", 2},     {"hidden_act", "gelu"}};
}

std::string Complaint(const char* key, const nlohmann::json& value) {
  nlohmann::json object = Good();
  object[key] = value;
  const auto config = BertConfigFromJson(object.dump());
  return config.ok() ? "none" : config.error().ToString();
}

TEST(BertConfigTest, ReadsShapes) {
  const auto config = BertConfigFromJson(Good().dump()).value();
  EXPECT_EQ(config.heads, 3);
  EXPECT_EQ(config.ffn_size, 40);
  EXPECT_EQ(config.activation, Activation::kGelu);
  EXPECT_EQ(ExpectedTensors(config).size(), 5U + 2U * 16U);
}

TEST(BertConfigTest, SaysWhatItDoesNotRead) {
  EXPECT_EQ(Complaint("hidden_act", "gelu_new"), "none");
  EXPECT_THAT(Complaint("model_type", "roberta"), HasSubstr("`model_type` is `roberta`; encoders of type bert"));
  EXPECT_THAT(Complaint("hidden_act", "swish"), HasSubstr("`hidden_act` is `swish`"));
  EXPECT_THAT(Complaint("position_embedding_type", "relative_key"), HasSubstr("not absolute"));
  EXPECT_THAT(Complaint("hidden_size", 25), HasSubstr("no multiple of the 3 heads"));
  EXPECT_THAT(Complaint("vocab_size", -1), HasSubstr("`vocab_size` is -1, not between 1 and"));
  EXPECT_THAT(Complaint("num_hidden_layers", 1e18), HasSubstr("`num_hidden_layers` is missing or no number"));
  EXPECT_THAT(Complaint("max_position_embeddings", 2), HasSubstr("leaves no room"));
  EXPECT_EQ(BertConfigFromJson("[]").error().code(), ErrorCode::kCorrupt);
}

TEST(SentenceConfigTest, KnowsWhatModelsWereTrainedWith) {
  const auto minilm = SentenceConfigFrom({}, "all-minilm-l6-v2").value();
  EXPECT_EQ(minilm.pooling, Pooling::kMean);
  EXPECT_EQ(minilm.query_prefix + minilm.passage_prefix, "");
  const auto e5 = SentenceConfigFrom({}, "models/e5-small-v2").value();
  EXPECT_EQ(e5.query_prefix, "query: ");
  EXPECT_EQ(e5.passage_prefix, "passage: ");
  const auto bge = SentenceConfigFrom({}, "BAAI/bge-small-en-v1.5").value();
  EXPECT_EQ(bge.pooling, Pooling::kFirst);
  EXPECT_EQ(bge.query_prefix, "Represent this sentence for searching relevant passages: ");
  EXPECT_EQ(bge.passage_prefix, "");
}

TEST(SentenceConfigTest, FilesWinOverNames) {
  const SentenceFiles files{.pooling = R"({"pooling_mode_mean_tokens": true, "pooling_mode_cls_token": false})",
                            .transform = R"({"max_seq_length": 256, "do_lower_case": false})",
                            .prompts = R"({"prompts": {"query": "search: ", "document": "text: "}})"};
  const auto config = SentenceConfigFrom(files, "bge-small-en-v1.5").value();
  EXPECT_EQ(config.pooling, Pooling::kMean);
  EXPECT_EQ(config.max_tokens, 256);
  EXPECT_EQ(config.query_prefix, "search: ");
  EXPECT_EQ(config.passage_prefix, "text: ");
}

TEST(SentenceConfigTest, SaysWhatItDoesNotRead) {
  EXPECT_THAT(SentenceConfigFrom({.pooling = R"({"pooling_mode_max_tokens": true})"}, "x").error().ToString(),
              HasSubstr("asks for the pooling `max_tokens`"));
  EXPECT_THAT(SentenceConfigFrom({.pooling = "{"}, "x").error().ToString(), HasSubstr("1_Pooling/config.json is not"));
  EXPECT_THAT(SentenceConfigFrom({.transform = R"({"max_seq_length": "x"})"}, "x").error().ToString(),
              HasSubstr("`max_seq_length` is missing or no number"));
}

}  // namespace
}  // namespace jade::encoder
