// Both remote retrievers, against a server that is right, wrong or gone. Time is virtual.

#include "runtime/retrieve/remote.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/http/stub_server.h"

namespace jade::retrieve {
namespace {

using http::StubConnection;
using http::StubRequest;
using http::StubServer;
using nlohmann::json;
using testing::HasSubstr;

class RemoteRetrieverTest : public testing::Test {
 protected:
  void OpenSearch(StubServer::Handler handler, RemoteSearchOptions options = {}) {
    options.index = "wiki 1";
    Begin(std::move(handler), "/", &options);
    Take(MakeOpenSearchTool(options, {"R"}, 5));
  }
  void Endpoint(StubServer::Handler handler, RemoteSearchOptions options = {}) {
    Begin(std::move(handler), "/search", &options);
    Take(MakeSearchEndpointTool(options, {"R"}, 5));
  }
  void TearDown() override { tool_.reset(); }  // before the server

  void Ask(uint64_t id, const std::string& query, int k = 2) {
    const std::string arguments = json{{"query", query}, {"k", k}}.dump();
    ASSERT_TRUE(tool_->Submit({.id = id, .tool = "R", .arguments = arguments}).ok());
  }
  void Collect(size_t replies) {
    while (replies_.size() < replies) {
      while (tool_ != nullptr && tool_->Step()) {
      }
      std::vector<engine::Event> events;
      if (!queue_->Drain(&events)) queue_->Wait(std::chrono::seconds(60));
      for (engine::Event& event : events) {
        if (event.kind != engine::Event::Kind::kToolReply) continue;
        ASSERT_TRUE(replies_.emplace(event.id, std::move(event.tool)).second) << "two replies to " << event.id;
      }
    }
  }
  json Found(uint64_t id) {
    EXPECT_FALSE(replies_[id].error) << replies_[id].error->ToString();
    return json::parse(replies_[id].result, nullptr, false);
  }
  std::string ErrorOf(uint64_t id) { return replies_[id].error ? replies_[id].error->ToString() : "none"; }

  std::shared_ptr<engine::VirtualClock> clock_ = std::make_shared<engine::VirtualClock>();
  std::shared_ptr<engine::EventQueue> queue_ = std::make_shared<engine::EventQueue>();
  std::unique_ptr<StubServer> server_;
  std::unique_ptr<engine::ToolProvider> tool_;
  std::map<uint64_t, engine::ToolReply> replies_;

 private:
  void Begin(StubServer::Handler handler, const char* path, RemoteSearchOptions* options) {
    server_ = std::make_unique<StubServer>(std::move(handler));
    options->url = server_->Url(path);
    options->clock = clock_;
  }
  void Take(Result<std::unique_ptr<engine::ToolProvider>> tool) {
    ASSERT_TRUE(tool.ok()) << tool.error().ToString();
    tool_ = std::move(*tool);
    tool_->Connect(queue_);
    EXPECT_TRUE(tool_->Serves("R"));
    EXPECT_FALSE(tool_->Serves("Q"));
  }
};

std::string Hits(const json& hits) {
  return json{{"timed_out", false}, {"_shards", {{"failed", 0}}}, {"hits", {{"hits", hits}}}}.dump();
}

TEST_F(RemoteRetrieverTest, OpenSearchIsAskedAndRead) {
  OpenSearch(
      [](const StubRequest& request, StubConnection& to) {
        EXPECT_EQ(request.method, "POST");
        EXPECT_EQ(request.path, "/wiki%201/_search");
        EXPECT_EQ(request.headers.at("authorization"), "Basic abc");
        EXPECT_EQ(json::parse(request.body),
                  (json{{"query", {{"multi_match", {{"query", "oslo"}, {"fields", {"title^2", "text"}}}}}},
                        {"size", 2},
                        {"_source", {"title", "meta.body"}}}));
        to.Reply(200, Hits({{{"_id", "7"},
                             {"_score", 2.5},
                             {"_source", {{"title", "Oslo"}, {"meta", {{"body", {"A city", "in Norway."}}}}}}},
                            {{"_id", "8"}, {"_score", nullptr}, {"_source", {{"title", 1984}}}},
                            {{"_id", "9"}}}));
      },
      {.authorization = "Basic abc", .text_field = "meta.body"});
  Ask(1, "oslo");
  Collect(1);
  EXPECT_EQ(Found(1), (json{{{"id", "7"}, {"title", "Oslo"}, {"text", "A city in Norway."}, {"score", 2.5}},
                            {{"id", "8"}, {"title", "1984"}, {"text", ""}, {"score", 0.0}}}));
}

TEST_F(RemoteRetrieverTest, OpenSearchFailuresAreClear) {
  const std::map<std::string, std::string> replies{
      {"late", R"({"timed_out":true,"hits":{"hits":[]}})"},
      {"shards", R"({"timed_out":false,"_shards":{"failed":2},"hits":{"hits":[]}})"},
      {"html", "<html>"},
      {"deep", std::string(100'000, '[')},
      {"no hits", R"({"hits":[]})"},
      {"odd", R"({"hits":{"hits":[7]}})"}};
  OpenSearch(
      [&](const StubRequest& request, StubConnection& to) {
        const std::string query = json::parse(request.body)["query"]["multi_match"]["query"];
        if (query == "missing") {
          to.Reply(404, R"({"error":{"reason":"no such index [wiki 1]"},"status":404})");
        } else {
          to.Reply(200, replies.at(query));
        }
      },
      {.retries = 1});
  uint64_t id = 0;
  std::map<std::string, uint64_t> ids;
  for (const auto& [query, unused] : replies) Ask(ids[query] = ++id, query);
  Ask(++id, "missing");
  Collect(id);
  EXPECT_THAT(ErrorOf(ids["late"]), HasSubstr("the search timed out on the server (after 2 attempts)"));
  EXPECT_THAT(ErrorOf(ids["shards"]), HasSubstr("2 shards of the index failed"));
  EXPECT_THAT(ErrorOf(ids["html"]), HasSubstr("not a JSON object"));
  EXPECT_THAT(ErrorOf(ids["deep"]), HasSubstr("not a JSON object"));
  EXPECT_THAT(ErrorOf(ids["no hits"]), HasSubstr("no `hits`"));
  EXPECT_THAT(ErrorOf(ids["odd"]), HasSubstr("a hit is not an object"));
  EXPECT_THAT(ErrorOf(id), HasSubstr("tool `R`: POST " + server_->Url("/wiki%201/_search") +
                                     ": status 404 (not found): no such index [wiki 1]; check `url` and `index`"));
}

TEST_F(RemoteRetrieverTest, ManySearchesEachAnsweredOnce) {
  OpenSearch(
      [](const StubRequest& request, StubConnection& to) {
        const json query = json::parse(request.body)["query"]["multi_match"]["query"];
        if (request.number % 7 == 0) return to.Reset();
        to.Reply(200, Hits({{{"_id", query}}}));
      },
      {.concurrency = 8, .retries = 20});
  constexpr uint64_t kSearches = 300;
  for (uint64_t id = 1; id <= kSearches; ++id) Ask(id, std::to_string(id));
  Collect(kSearches);
  for (uint64_t id = 1; id <= kSearches; ++id) EXPECT_EQ(Found(id)[0]["id"], std::to_string(id));
}

TEST_F(RemoteRetrieverTest, ACancelledSearchEnds) {
  std::latch there(1);
  OpenSearch([&](const StubRequest&, StubConnection& to) {
    there.count_down();
    to.WaitUntilLeft();
  });
  Ask(1, "oslo");
  there.wait();
  tool_->Cancel(1);
  tool_->Cancel(2);
  Collect(1);
  EXPECT_EQ(replies_[1].error->code(), ErrorCode::kCancelled);
}

TEST_F(RemoteRetrieverTest, WhatIsWrongWithTheCallIsSaidAtOnce) {
  Endpoint([](const StubRequest&, StubConnection& to) { to.Reply(500, ""); });
  ASSERT_TRUE(tool_->Submit({.id = 1, .tool = "R", .arguments = "7"}).ok());
  Ask(2, "nothing wanted", 0);
  Collect(2);
  EXPECT_THAT(ErrorOf(1), HasSubstr("tool `R`: a retriever takes `query`"));
  EXPECT_EQ(Found(2), json::array());
  EXPECT_EQ(server_->requests(), 0);
}

TEST_F(RemoteRetrieverTest, WaitingQuestionsGoTogether) {
  Endpoint(
      [](const StubRequest& request, StubConnection& to) {
        const json body = json::parse(request.body);
        EXPECT_LE(body["questions"].size(), 4U);
        json answers = json::array();
        for (const json& question : body["questions"]) {
          json docs = json::array();
          for (int i = 0; i < body["N"]; ++i) docs.push_back("\"Title\"\nabout " + question.get<std::string>());
          answers.push_back({{"question", question}, {"top_k_docs", docs}});
        }
        to.Reply(200, answers.dump());
      },
      {.batch = 4});
  for (uint64_t id = 1; id <= 10; ++id) Ask(id, "q" + std::to_string(id), id % 2 == 0 ? 1 : 3);
  Collect(10);
  EXPECT_EQ(server_->requests(), 3) << "4 + 4 + 2";
  for (uint64_t id = 1; id <= 10; ++id) {
    const json found = Found(id);
    ASSERT_EQ(found.size(), id % 2 == 0 ? 1U : 3U);
    EXPECT_EQ(found[0]["title"], "Title");
    EXPECT_EQ(found[0]["text"], "about q" + std::to_string(id));
    EXPECT_EQ(found[0]["id"].get<std::string>().size(), 16U);
  }
}

TEST_F(RemoteRetrieverTest, DocumentsComeInManyForms) {
  Endpoint([](const StubRequest&, StubConnection& to) {
    to.Reply(200, R"({"result":[["just text",
        {"contents":"Oslo\nA city."},
        {"id":7,"title":"Dune","text":"A novel.\nOf 1965.","score":0.5},
        {"document":{"docid":"d","contents":"\"Ida\"\nA film."},"score":0.25}]]})");
  });
  Ask(1, "x", 5);
  Collect(1);
  json found = Found(1);
  for (json& passage : found) passage.erase("id");
  EXPECT_EQ(found, (json{{{"title", ""}, {"text", "just text"}, {"score", 0.0}},
                         {{"title", "Oslo"}, {"text", "A city."}, {"score", 0.0}},
                         {{"title", "Dune"}, {"text", "A novel.\nOf 1965."}, {"score", 0.5}},
                         {{"title", "Ida"}, {"text", "A film."}, {"score", 0.25}}}));
  EXPECT_EQ(Found(1)[2]["id"], "7");
  EXPECT_EQ(Found(1)[3]["id"], "d");
}

TEST_F(RemoteRetrieverTest, WrongAnswersAreErrors) {
  std::string reply;
  Endpoint([&](const StubRequest&, StubConnection& to) { to.Reply(200, reply); }, {.retries = 0});
  uint64_t id = 0;
  const auto problem = [&](const std::string& body) {
    reply = body;
    Ask(++id, "x");
    Collect(id);
    return ErrorOf(id);
  };
  EXPECT_THAT(problem("<html>"), HasSubstr("not a list of answers"));
  EXPECT_THAT(problem("[]"), HasSubstr("0 answers to 1 questions"));
  EXPECT_THAT(problem(R"([{"question":"y","top_k_docs":[]}])"), HasSubstr("another question"));
  EXPECT_THAT(problem(R"([{"question":"x"}])"), HasSubstr("no list `top_k_docs`"));
  EXPECT_THAT(problem(R"([[7]])"), HasSubstr("neither a text nor an object"));
  EXPECT_THAT(problem(R"([[{"title":"x"}]])"), HasSubstr("no `text` and no `contents`"));
  EXPECT_EQ(problem(R"([[]])"), "none");
}

TEST_F(RemoteRetrieverTest, OneOfABatchIsCancelledAlone) {
  std::latch there(1), go(1);
  Endpoint(
      [&](const StubRequest& request, StubConnection& to) {
        if (request.number == 1) there.count_down();
        go.wait();
        json answers = json::array();
        for (size_t i = 0; i < json::parse(request.body)["questions"].size(); ++i) answers.push_back(json::array());
        to.Reply(200, answers.dump());
      },
      {.concurrency = 1});
  Ask(1, "a");
  Ask(2, "b");
  tool_->Step();
  there.wait();
  Ask(3, "waits");
  Ask(4, "waits too");
  tool_->Step();
  tool_->Cancel(1);
  tool_->Cancel(3);
  go.count_down();
  Collect(4);
  for (const uint64_t id : {1, 3}) EXPECT_EQ(replies_[id].error->code(), ErrorCode::kCancelled);
  for (const uint64_t id : {2, 4}) EXPECT_EQ(Found(id), json::array());
}

TEST_F(RemoteRetrieverTest, ItsEndAnswersWhatWaits) {
  Endpoint([](const StubRequest&, StubConnection& to) { to.WaitUntilLeft(); }, {.concurrency = 1});
  Ask(1, "sent");
  tool_->Step();
  Ask(2, "waits");
  tool_.reset();
  Collect(2);
  for (const uint64_t id : {1, 2}) EXPECT_EQ(replies_[id].error->code(), ErrorCode::kCancelled);
}

TEST(RemoteRetrieverOptionsTest, AreChecked) {
  EXPECT_EQ(MakeOpenSearchTool({.url = "localhost:9200", .index = "i"}, {"R"}, 5).error().code(),
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(MakeOpenSearchTool({.url = "http://h"}, {"R"}, 5).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(MakeSearchEndpointTool({.url = "http://h", .batch = 0}, {"R"}, 5).error().code(),
            ErrorCode::kInvalidArgument);
}

TEST(RemoteRetrieverOptionsTest, TryingFindsOut) {
  StubServer server([](const StubRequest& request, StubConnection& to) {
    if (request.path == "/search") {
      to.Reply(200, R"([{"question":"test","top_k_docs":["x"]}])");
    } else {
      to.Reply(401, R"({"error":"who are you, Basic secret?"})");
    }
  });
  EXPECT_TRUE(TrySearchEndpoint({.url = server.Url("/search")}).ok());
  const auto refused = TryOpenSearch({.url = server.Url(""), .authorization = "Basic secret", .index = "i"});
  EXPECT_THAT(refused.error().ToString(), HasSubstr("who are you, …?; set `authorization_env`"));
}

}  // namespace
}  // namespace jade::retrieve
