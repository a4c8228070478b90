#include "runtime/settings/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::settings {
namespace {

using testing::HasSubstr;

TEST(SettingsTest, EveryKeyHasADefault) {
  const auto settings = ParseSettings("c.yaml", "");
  ASSERT_TRUE(settings.ok()) << settings.error().ToString();
  EXPECT_EQ(settings->backbone.model, "nano");
  EXPECT_EQ(settings->retriever.index, "atlas");
  EXPECT_EQ(settings->budget.calls, 64);
}

TEST(SettingsTest, OnlyVectorsHaveAnEncoder) {
  const auto hybrid = ParseSettings("c.yaml", "retriever: { kind: hybrid, model: e5-small-v2 }\n");
  ASSERT_TRUE(hybrid.ok()) << hybrid.error().ToString();
  EXPECT_EQ(hybrid->retriever.kind, "hybrid");
  EXPECT_EQ(hybrid->retriever.model, "e5-small-v2");
  EXPECT_THAT(ParseSettings("c.yaml", "retriever: { model: e5-small-v2 }\n").error().ToString(),
              HasSubstr("c.yaml:1: `model` is only for `kind: dense` and `kind: hybrid`"));
}

TEST(SettingsTest, ReadsWhatIsThere) {
  const auto settings = ParseSettings("c.yaml",
                                      "backbone: { model: smollm2-135m, dtype: bf16, kv_cache: 2GiB }\n"
                                      "budget: { calls: 10, seconds: 5s }\n"
                                      "sampling:\n"
                                      "  default: { temperature: 0 }\n"
                                      "  QR: { top_p: 0.9 }\n"
                                      "params: { alpha: 0.1 }\n");
  ASSERT_TRUE(settings.ok()) << settings.error().ToString();
  EXPECT_EQ(settings->backbone.kv_cache, 2ULL << 30U);
  EXPECT_EQ(settings->budget.seconds, 5.0);
  EXPECT_EQ(settings->sampling_default.temperature, 0.0);
  EXPECT_EQ(settings->sampling.at("QR").top_p, 0.9);
  EXPECT_FALSE(settings->sampling.at("QR").temperature.has_value());
  EXPECT_EQ(settings->params.at("alpha"), "0.1");
}

TEST(SettingsTest, AScriptHasReplies) {
  EXPECT_EQ(ParseSettings("c.yaml", "backbone: { model: script, replies: r.jsonl }")->backbone.replies, "r.jsonl");
  EXPECT_THAT(ParseSettings("c.yaml", "backbone: { model: script }").error().ToString(),
              HasSubstr("c.yaml:1: `backbone` needs a key `replies`"));
  EXPECT_THAT(ParseSettings("c.yaml", "backbone:\n  model: nano\n  replies: r.jsonl").error().ToString(),
              HasSubstr("c.yaml:3: `replies` is only for `model: script`"));
}

TEST(SettingsTest, ReportsAllMistakesWithLines) {
  const auto settings = ParseSettings("c.yaml",
                                      "backbone: { modle: nano }\n"
                                      "retreiver: { kind: bm25 }\n"
                                      "budget: { calls: -1 }\n"
                                      "sampling: { QR: { temperature: hot } }\n");
  ASSERT_FALSE(settings.ok());
  const std::string text = settings.error().ToString();
  EXPECT_THAT(text, HasSubstr("c.yaml:1: unknown key `modle` in `backbone`; did you mean `model`?"));
  EXPECT_THAT(text, HasSubstr("c.yaml:2: unknown key `retreiver` in `configuration`; did you mean `retriever`?"));
  EXPECT_THAT(text, HasSubstr("c.yaml:3: -1 is outside"));
  EXPECT_THAT(text, HasSubstr("c.yaml:4: expected a number, found `hot`"));
  EXPECT_EQ(LoadSettings("no/such.yaml").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace jade::settings
