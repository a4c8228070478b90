#include "runtime/remote/request_body.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace jade::remote::internal {
namespace {

using nlohmann::json;
using testing::HasSubstr;

Endpoint At(ServerKind kind, Api api = Api::kCompletions) {
  Endpoint endpoint;
  endpoint.kind = kind;
  endpoint.options.api = api;
  endpoint.options.model = "m";
  endpoint.options.policies = {{"planner", "big"}};
  return endpoint;
}

engine::Request Ask() {
  engine::Request request;
  request.messages = std::make_shared<const engine::Messages>(engine::Messages{{engine::MessageRole::kUser, "Hi"}});
  request.sampling.stream = {0xFFFFFFFFFFFFFFFFU, 7};
  request.sampling.max_tokens = 9;
  return request;
}

json BodyOf(const engine::Request& request, const Endpoint& endpoint) {
  auto body = MakeBody(request, endpoint);
  EXPECT_TRUE(body.ok()) << body.error().ToString();
  return body.ok() ? json::parse(body->json) : json();
}

TEST(RequestBodyTest, PlainOpenAiGetsNothingElse) {
  EXPECT_EQ(BodyOf(Ask(), At(ServerKind::kOpenAi)),
            (json{{"model", "m"},
                  {"prompt", "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"},
                  {"temperature", 1.0},
                  {"top_p", 1.0},
                  {"max_tokens", 9},
                  {"seed", 2147483647},
                  {"stop", {"<|im_end|>"}},
                  {"logprobs", 1}}));
  EXPECT_EQ(BodyOf(Ask(), At(ServerKind::kOpenAi, Api::kChat)),
            (json{{"model", "m"},
                  {"messages", {{{"role", "user"}, {"content", "Hi"}}}},
                  {"temperature", 1.0},
                  {"top_p", 1.0},
                  {"max_tokens", 9},
                  {"seed", 2147483647},
                  {"logprobs", true}}));
}

TEST(RequestBodyTest, LlamaCppSamplesAsJadeDoes) {
  engine::Request request = Ask();
  request.sampling.top_k = 5;
  request.sampling.min_p = 0.1;
  request.sampling.repetition_penalty = 1.2;
  json body = BodyOf(request, At(ServerKind::kLlamaCpp));
  EXPECT_EQ(body["top_k"], 5);
  EXPECT_EQ(body["min_p"], 0.1);
  EXPECT_EQ(body["repeat_penalty"], 1.2);
  EXPECT_EQ(body["repeat_last_n"], 65536);
  EXPECT_EQ(body["samplers"], (json{"penalties", "temperature", "top_k", "top_p", "min_p"}));
  EXPECT_EQ(body["post_sampling_probs"], true);
  request.sampling.temperature = 0;
  body = BodyOf(request, At(ServerKind::kLlamaCpp, Api::kChat));
  EXPECT_FALSE(body.contains("post_sampling_probs"));
  EXPECT_EQ(body["top_logprobs"], 1);
  EXPECT_FALSE(BodyOf(Ask(), At(ServerKind::kLlamaCpp)).contains("repeat_last_n"));
  EXPECT_EQ(BodyOf(Ask(), At(ServerKind::kLlamaCpp))["top_k"], 0) << "its own default would be 40";
}

TEST(RequestBodyTest, VllmIsAskedForIds) {
  const json body = BodyOf(Ask(), At(ServerKind::kVllm));
  EXPECT_EQ(body["return_token_ids"], true);
  EXPECT_EQ(body["top_k"], -1);
  EXPECT_EQ(body["repetition_penalty"], 1.0);
  EXPECT_FALSE(BodyOf(Ask(), At(ServerKind::kSglang)).contains("return_token_ids"));
}

TEST(RequestBodyTest, StreamsAskForTheUsage) {
  engine::Request request = Ask();
  request.want_stream = true;
  const json body = BodyOf(request, At(ServerKind::kVllm));
  EXPECT_EQ(body["stream"], true);
  EXPECT_EQ(body["stream_options"]["include_usage"], true);
}

TEST(RequestBodyTest, PoliciesAreModels) {
  engine::Request request = Ask();
  request.policy = "planner";
  EXPECT_EQ(BodyOf(request, At(ServerKind::kVllm))["model"], "big");
  request.policy = "planer";
  const auto body = MakeBody(request, At(ServerKind::kVllm));
  EXPECT_EQ(body.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(body.error().ToString(), HasSubstr("did you mean `planner`?"));
}

TEST(RequestBodyTest, APrefillNeedsAServerThatCanGoOn) {
  engine::Request request = Ask();
  request.messages = std::make_shared<const engine::Messages>(
      engine::Messages{{engine::MessageRole::kUser, "Hi"}, {engine::MessageRole::kPrefill, "<a>"}});
  EXPECT_THAT(MakeBody(request, At(ServerKind::kOpenAi, Api::kChat)).error().ToString(), HasSubstr("`prefill`"));
  const json body = BodyOf(request, At(ServerKind::kVllm, Api::kChat));
  EXPECT_EQ(body["continue_final_message"], true);
  EXPECT_EQ(body["add_generation_prompt"], false);
  EXPECT_EQ(body["messages"].back()["role"], "assistant");
  EXPECT_TRUE(std::string(BodyOf(request, At(ServerKind::kOpenAi))["prompt"]).ends_with("assistant\n<a>"));
}

class NoConstraint final : public engine::Constraint {
 public:
  const std::string& id() const override { return id_; }
  Result<std::shared_ptr<const engine::BoundConstraint>> Bind(
      std::shared_ptr<const engine::Vocabulary>) const override {
    return Error(ErrorCode::kUnsupported, "");
  }

 private:
  std::string id_ = "x";
};

TEST(RequestBodyTest, RefusesWhatTheServerCannotDo) {
  const auto refused = [](const engine::Request& request, ServerKind kind = ServerKind::kOpenAi) {
    const auto body = MakeBody(request, At(kind));
    EXPECT_FALSE(body.ok());
    return body.ok() ? "" : body.error().ToString();
  };
  engine::Request request = Ask();
  request.constraint = std::make_shared<NoConstraint>();
  EXPECT_THAT(refused(request, ServerKind::kVllm), HasSubstr("cannot constrain"));
  request = Ask();
  request.sampling.top_k = 5;
  EXPECT_THAT(refused(request), HasSubstr("`top_k` is not part of OpenAI's protocol"));
  for (const double wrong : {-1.0, 0.0 / 0.0, 1.0 / 0.0}) {
    request = Ask();
    request.sampling.temperature = wrong;
    EXPECT_THAT(refused(request), HasSubstr("temperature"));
  }
  request = Ask();
  request.sampling.max_tokens = 0;
  EXPECT_THAT(refused(request), HasSubstr("max_tokens"));
}

}  // namespace
}  // namespace jade::remote::internal
