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

TEST(SettingsTest, RolesAreServedByPolicies) {
  const auto settings = ParseSettings("c.yaml",
                                      "backbone: { model: nano, policies: { start: runs/start, best: nano } }\n"
                                      "sampling:\n"
                                      "  default: { policy: start }\n"
                                      "  QR: { policy: best, top_k: 4 }\n"
                                      "  AG: { policy: '' }\n"
                                      "  DS: { top_k: 5 }\n");
  ASSERT_TRUE(settings.ok()) << settings.error().ToString();
  EXPECT_EQ(settings->backbone.policies.size(), 2U);
  EXPECT_EQ(settings->backbone.policies.at("start"), "runs/start");
  EXPECT_EQ(settings->sampling_default.policy, "start");
  EXPECT_EQ(settings->sampling.at("QR").policy, "best");
  EXPECT_EQ(settings->sampling.at("QR").top_k, 4);
  EXPECT_EQ(settings->sampling.at("AG").policy, "");
  EXPECT_FALSE(settings->sampling.at("DS").policy.has_value());
}

TEST(SettingsTest, SaysWhatIsWrongWithPolicies) {
  const auto problems = [](const std::string& text) {
    const auto settings = ParseSettings("c.yaml", text);
    return settings.ok() ? "" : settings.error().ToString();
  };
  EXPECT_THAT(problems("sampling:\n  QR: { policy: strat }\nbackbone: { policies: { start: nano } }\n"),
              HasSubstr("c.yaml:2: `backbone` has no policy `strat`; did you mean `start`?"));
  EXPECT_THAT(problems("sampling:\n  default:\n    policy: start\n"),
              HasSubstr("c.yaml:3: `backbone` has no policy `start`: name its weights with `policies` there"));
  EXPECT_THAT(problems("sampling: { QR: { policy: [start] } }\n"), HasSubstr("c.yaml:1: expected text"));
  EXPECT_THAT(problems("backbone: { policies: nano }\n"), HasSubstr("c.yaml:1: `policies` must be a map"));
  EXPECT_THAT(problems("backbone:\n  policies:\n    start: ''\n"), HasSubstr("c.yaml:3: policy `start` needs a model"));
  EXPECT_THAT(problems("backbone: { policies: { '': nano } }\n"), HasSubstr("c.yaml:1: a policy needs a name"));
  std::string many = "backbone:\n  policies:\n";
  for (int i = 0; i < 65; ++i) many += "    p" + std::to_string(i) + ": nano\n";
  EXPECT_THAT(problems(many), HasSubstr("65 policies; at most 64 are accepted"));
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
