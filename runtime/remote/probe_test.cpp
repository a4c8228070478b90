#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "runtime/http/stub_server.h"
#include "runtime/remote/remote.h"

namespace jade::remote {
namespace {

using http::StubConnection;
using http::StubRequest;
using http::StubServer;
using testing::ElementsAre;
using testing::HasSubstr;

RemoteOptions At(const StubServer& server) {
  RemoteOptions options;
  options.url = server.Url("/v1/");
  options.clock = std::make_shared<engine::VirtualClock>();
  return options;
}

StubServer::Handler Says(int status, std::string body) {
  return [status, body = std::move(body)](const StubRequest& request, StubConnection& to) {
    EXPECT_EQ(request.path, "/v1/models");
    to.Reply(status, body);
  };
}

std::string Problem(const RemoteOptions& options) {
  const auto engine = MakeRemoteEngine(options);
  return engine.ok() ? "" : engine.error().ToString();
}

TEST(ProbeTest, TheOwnerOfTheModelsTellsTheServer) {
  for (const auto& [owner, kind] : std::map<std::string, ServerKind>{{"llamacpp", ServerKind::kLlamaCpp},
                                                                     {"vllm", ServerKind::kVllm},
                                                                     {"sglang", ServerKind::kSglang},
                                                                     {"somebody", ServerKind::kOpenAi}}) {
    StubServer server(Says(200, R"({"data":[{"id":"a","owned_by":")" + owner + R"("},{"id":"b"},7,{"id":8}]})"));
    const auto facts = Probe(At(server));
    ASSERT_TRUE(facts.ok()) << facts.error().ToString();
    EXPECT_EQ(facts->kind, kind);
    EXPECT_THAT(facts->models, ElementsAre("a", "b"));
    EXPECT_EQ(ServerKindNamed(ServerKindName(kind)), kind);
  }
}

TEST(ProbeTest, TheOnlyModelNeedsNoName) {
  StubServer one(Says(200, R"({"data":[{"id":"a/b","owned_by":"vllm"}]})"));
  const auto engine = MakeRemoteEngine(At(one));
  ASSERT_TRUE(engine.ok()) << engine.error().ToString();
  EXPECT_EQ((*engine)->Describe(), "a/b at " + one.Url("/v1/") + " (completions, vllm)");
  StubServer two(Says(200, R"({"data":[{"id":"alpha","owned_by":"vllm"},{"id":"beta"}]})"));
  EXPECT_THAT(Problem(At(two)), HasSubstr("several models: name one with `model` in `backbone`: `alpha`, `beta`"));
  RemoteOptions options = At(two);
  options.model = "alpa";
  EXPECT_THAT(Problem(options), HasSubstr("has no model `alpa`; did you mean `alpha`?"));
  options.model = "beta";
  EXPECT_EQ(Problem(options), "");
  options.policies["planner"] = "c";
  EXPECT_THAT(Problem(options), HasSubstr("no model `c`"));
}

TEST(ProbeTest, AServerWithoutAListIsTakenAsItIs) {
  StubServer server(Says(404, ""));
  EXPECT_THAT(Problem(At(server)), HasSubstr("does not list its models: name one"));
  RemoteOptions options = At(server);
  options.model = "m";
  EXPECT_EQ(Problem(options), "");
}

TEST(ProbeTest, SaysWhatToDo) {
  EXPECT_THAT(Problem({.url = "localhost:8000/v1"}), HasSubstr("must begin with http://"));
  int port = 0;
  {
    port = StubServer([](const StubRequest&, StubConnection&) {}).port();
  }
  RemoteOptions nobody;
  nobody.url = "http://127.0.0.1:" + std::to_string(port) + "/v1";
  nobody.clock = std::make_shared<engine::VirtualClock>();
  EXPECT_THAT(Problem(nobody), HasSubstr("is the server running"));
  StubServer page(Says(200, "<html>hello</html>"));
  EXPECT_THAT(Problem(At(page)), HasSubstr("usually ends with /v1"));
  StubServer deep(Says(200, std::string(100'000, '[')));
  EXPECT_THAT(Problem(At(deep)), HasSubstr("not a list of models"));
  StubServer locked(Says(401, R"({"error":{"message":"who are you"}})"));
  EXPECT_THAT(Problem(At(locked)), HasSubstr("status 401 (not authorised): who are you; set `api_key_env`"));
}

TEST(ProbeTest, TheKeyIsSentAndNeverShown) {
  setenv("JADE_TEST_KEY", "sk-very-secret", 1);
  StubServer server([](const StubRequest& request, StubConnection& to) {
    EXPECT_EQ(request.headers.at("authorization"), "Bearer sk-very-secret");
    to.Reply(401, R"({"error":{"message":"Incorrect key: sk-very-secret."}})");
  });
  RemoteOptions options = At(server);
  options.api_key_env = "JADE_TEST_KEY";
  const std::string problem = Problem(options);
  EXPECT_THAT(problem, HasSubstr("Incorrect key: ….; is the key in `JADE_TEST_KEY` right?"));
  EXPECT_THAT(problem, testing::Not(HasSubstr("very-secret")));
  unsetenv("JADE_TEST_KEY");
  EXPECT_THAT(Problem(options), HasSubstr("`JADE_TEST_KEY`, which `api_key_env` names, is not set"));
  EXPECT_EQ(server.requests(), 1);
}

}  // namespace
}  // namespace jade::remote
