// The engine over a server that answers, fails, hangs and dies as told. Time is virtual: nothing here waits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/http/stub_server.h"
#include "runtime/remote/remote.h"

namespace jade::remote {
namespace {

using engine::Event;
using engine::Finish;
using http::StubConnection;
using http::StubRequest;
using http::StubServer;
using nlohmann::json;
using testing::HasSubstr;

constexpr char kFine[] = R"({"choices":[{"text":"fine","finish_reason":"stop"}]})";
constexpr char kModels[] = R"({"data":[{"id":"m","owned_by":"vllm"}]})";

std::string Chunk(const std::string& text, const char* finish = nullptr) {
  json choice{{"text", text}};
  if (finish != nullptr) choice["finish_reason"] = finish;
  return "data: " + json{{"choices", {choice}}}.dump() + "\n\n";
}

class RemoteEngineTest : public testing::Test {
 protected:
  // `handler` gets everything but the list of models; `number` counts from 1 for each call's text.
  void Serve(const StubServer::Handler& handler, RemoteOptions options = {}) {
    server_ = std::make_unique<StubServer>([handler](const StubRequest& request, StubConnection& to) {
      if (request.path == "/v1/models") {
        to.Reply(200, kModels);
        return;
      }
      handler(request, to);
    });
    options.url = server_->Url("/v1");
    options.clock = clock_;
    auto engine = MakeRemoteEngine(options);
    ASSERT_TRUE(engine.ok()) << engine.error().ToString();
    engine_ = std::move(*engine);
    engine_->Connect(queue_);
  }
  void TearDown() override { engine_.reset(); }  // before the server

  static engine::Request Ask(uint64_t id, const std::string& text = "Hi", bool stream = false) {
    engine::Request request;
    request.id = id;
    request.messages = std::make_shared<const engine::Messages>(engine::Messages{{engine::MessageRole::kUser, text}});
    request.want_stream = stream;
    request.sampling.stream = {id, id};
    return request;
  }
  // Collects events until `replies` calls have ended.
  void Collect(size_t replies) {
    while (replies_.size() < replies) {
      std::vector<Event> events;
      if (!queue_->Drain(&events)) queue_->Wait(std::chrono::seconds(60));
      for (Event& event : events) {
        if (event.kind == Event::Kind::kDelta) deltas_[event.id] += event.delta;
        if (event.kind == Event::Kind::kStarted) ++started_[event.id];
        if (event.kind != Event::Kind::kReply) continue;
        ASSERT_TRUE(replies_.emplace(event.id, std::move(event.reply)).second) << "two replies to " << event.id;
      }
    }
  }
  engine::Reply Only(engine::Request request) {
    const uint64_t id = request.id;
    const Status submitted = engine_->Submit(std::move(request));
    EXPECT_TRUE(submitted.ok()) << submitted.error().ToString();
    Collect(1);
    return replies_[id];
  }
  std::shared_ptr<engine::VirtualClock> clock_ = std::make_shared<engine::VirtualClock>();
  std::shared_ptr<engine::EventQueue> queue_ = std::make_shared<engine::EventQueue>();
  std::unique_ptr<StubServer> server_;
  std::unique_ptr<engine::Engine> engine_;
  std::map<uint64_t, engine::Reply> replies_;
  std::map<uint64_t, std::string> deltas_;
  std::map<uint64_t, int> started_;
};

TEST_F(RemoteEngineTest, ManyCallsAtOnceEachAnsweredOnce) {
  std::latch together(32);
  Serve(
      [&](const StubRequest& request, StubConnection& to) {
        if (request.number <= 33) together.arrive_and_wait();  // the first was for the models
        const json body = json::parse(request.body);
        to.Reply(200, json{{"choices", {{{"text", body["prompt"]}, {"finish_reason", "stop"}}}}}.dump());
      },
      {.concurrency = 32});
  constexpr uint64_t kCalls = 2000;
  for (uint64_t id = 1; id <= kCalls; ++id) ASSERT_TRUE(engine_->Submit(Ask(id, "call " + std::to_string(id))).ok());
  Collect(kCalls);
  EXPECT_LE(server_->connections(), 33);
  for (uint64_t id = 1; id <= kCalls; ++id) {
    EXPECT_THAT(replies_[id].text, HasSubstr("call " + std::to_string(id) + "<|im_end|>"));
    EXPECT_EQ(started_[id], 1);
  }
  std::vector<Event> more;
  engine_.reset();
  EXPECT_FALSE(queue_->Drain(&more)) << "exactly one reply each";
}

TEST_F(RemoteEngineTest, WhatPassesIsTriedAgain) {
  Serve([&](const StubRequest& request, StubConnection& to) {
    switch (request.number) {
      case 2:
        return to.Reset();
      case 3:
        to.Reply(429, "{}", "Retry-After: 11\r\n");
        return;
      case 4:
        to.Reply(500, "oops");
        return;
      case 5:
        to.Reply(200, "{\"choices\":[{\"te");
        return;
      default:
        to.Reply(200, kFine);
    }
  });
  const auto reply = Only(Ask(1));
  EXPECT_EQ(reply.text, "fine");
  EXPECT_EQ(server_->requests(), 6);
  EXPECT_GE(clock_->NowMicros(), 11'000'000);
  EXPECT_EQ(started_[1], 1);
}

TEST_F(RemoteEngineTest, ErrorsNameUrlStatusAndMessage) {
  Serve([&](const StubRequest&, StubConnection& to) {
    to.Reply(404, R"({"error":{"message":"The model `m` does not exist."}})");
  });
  const auto reply = Only(Ask(1));
  EXPECT_EQ(reply.finish, Finish::kError);
  EXPECT_EQ(reply.error->ToString(), "POST " + server_->Url("/v1/completions") +
                                         ": status 404 (not found): The model `m` does not exist.; check `url`, `api` "
                                         "and `model` in `backbone`");
}

TEST_F(RemoteEngineTest, GivesUpInTheEnd) {
  Serve([&](const StubRequest&, StubConnection& to) { to.Reply(429, R"({"error":"slow down"})"); }, {.retries = 3});
  const auto reply = Only(Ask(1));
  EXPECT_EQ(reply.finish, Finish::kError);
  EXPECT_EQ(reply.error->code(), ErrorCode::kUnavailable);
  EXPECT_THAT(
      reply.error->ToString(),
      HasSubstr("status 429 (too many requests): slow down; lower `concurrency` or set `requests_per_second` in "
                "`backbone` (after 4 attempts)"));
}

TEST_F(RemoteEngineTest, WrongJsonIsAnErrorInTheEnd) {
  Serve([&](const StubRequest&, StubConnection& to) { to.Reply(200, "<html>"); }, {.retries = 2});
  const auto reply = Only(Ask(1));
  EXPECT_EQ(reply.finish, Finish::kError);
  EXPECT_EQ(reply.error->code(), ErrorCode::kCorrupt);
  EXPECT_THAT(reply.error->ToString(), HasSubstr("the reply is malformed: it is not JSON (after 3 attempts)"));
}

TEST_F(RemoteEngineTest, AStreamThatDiesUnseenIsAskedForAgain) {
  Serve([&](const StubRequest& request, StubConnection& to) {
    to.BeginStream();
    if (request.number == 2) {
      to.Send(": nothing yet\n\n");
      to.Close();
      return;
    }
    to.Send(Chunk("Pa"));
    to.Send(Chunk("ris", "stop"));
    to.Send("data: [DONE]\n\n");
    to.Close();
  });
  const auto reply = Only(Ask(1, "Hi", true));
  EXPECT_EQ(reply.finish, Finish::kStop);
  EXPECT_EQ(reply.text, "Paris");
  EXPECT_EQ(deltas_[1], "Paris");
  EXPECT_EQ(server_->requests(), 3);
}

TEST_F(RemoteEngineTest, AStreamThatDiesInTheMiddleIsAnError) {
  Serve([&](const StubRequest&, StubConnection& to) {
    to.BeginStream();
    to.Send(Chunk("Pa"));
    to.Close();
  });
  const auto reply = Only(Ask(1, "Hi", true));
  EXPECT_EQ(reply.finish, Finish::kError);
  EXPECT_THAT(reply.error->ToString(), HasSubstr("ended in the middle"));
  EXPECT_THAT(reply.error->ToString(), HasSubstr("part of the reply had been shown"));
  EXPECT_EQ(deltas_[1], "Pa");
  EXPECT_EQ(server_->requests(), 2);
}

TEST_F(RemoteEngineTest, NeverAnswers) {
  std::latch hanging(2);
  Serve(
      [&](const StubRequest& request, StubConnection& to) {
        if (request.number > 3) {
          to.Reply(200, kFine);
          return;
        }
        hanging.count_down();
        to.WaitUntilLeft();
      },
      {.retries = 0, .timeout = std::chrono::seconds(30)});
  ASSERT_TRUE(engine_->Submit(Ask(1)).ok());
  ASSERT_TRUE(engine_->Submit(Ask(2)).ok());
  hanging.wait();
  clock_->SkipTo(clock_->NowMicros() + 30'000'000);
  ASSERT_TRUE(engine_->Submit(Ask(3)).ok());  // wakes the client
  Collect(3);
  for (const uint64_t id : {1, 2}) {
    EXPECT_EQ(replies_[id].finish, Finish::kError);
    EXPECT_EQ(replies_[id].error->code(), ErrorCode::kDeadline);
    EXPECT_THAT(replies_[id].error->ToString(), HasSubstr("no reply within 30 s"));
  }
  EXPECT_EQ(replies_[3].text, "fine") << "the engine goes on";
}

TEST_F(RemoteEngineTest, CancelsWhatIsUnderWayAndWhatWaits) {
  std::latch hanging(1);
  Serve(
      [&](const StubRequest& request, StubConnection& to) {
        if (request.number > 2) {
          to.Reply(200, kFine);
          return;
        }
        hanging.count_down();
        to.WaitUntilLeft();
      },
      {.concurrency = 1});
  for (const uint64_t id : {1, 2, 3}) ASSERT_TRUE(engine_->Submit(Ask(id)).ok());
  hanging.wait();
  engine_->Cancel(2);
  engine_->Cancel(1);
  engine_->Cancel(99);
  Collect(3);
  EXPECT_EQ(replies_[1].finish, Finish::kCancelled);
  EXPECT_EQ(replies_[2].finish, Finish::kCancelled);
  EXPECT_EQ(replies_[3].text, "fine");
  engine_->Cancel(3);
}

TEST_F(RemoteEngineTest, ItsEndCancelsTheRest) {
  std::latch hanging(1);
  Serve(
      [&](const StubRequest&, StubConnection& to) {
        hanging.count_down();
        to.WaitUntilLeft();
      },
      {.concurrency = 1});
  for (uint64_t id = 1; id <= 20; ++id) ASSERT_TRUE(engine_->Submit(Ask(id)).ok());
  hanging.wait();
  engine_.reset();
  Collect(20);
  for (const auto& [id, reply] : replies_) EXPECT_EQ(reply.finish, Finish::kCancelled) << id;
}

TEST_F(RemoteEngineTest, WhatCannotBeDoneFailsAtOnce) {
  Serve([&](const StubRequest&, StubConnection& to) { to.Reply(200, kFine); });
  engine::Request request = Ask(1);
  request.policy = "nobody";
  EXPECT_EQ(engine_->Submit(std::move(request)).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(server_->requests(), 1);
}

TEST_F(RemoteEngineTest, ChatGoesToItsOwnPath) {
  Serve(
      [&](const StubRequest& request, StubConnection& to) {
        EXPECT_EQ(request.path, "/v1/chat/completions");
        to.Reply(200, R"({"choices":[{"message":{"content":"hello"},"finish_reason":"length"}]})");
      },
      {.api = Api::kChat});
  const auto reply = Only(Ask(1));
  EXPECT_EQ(reply.text, "hello");
  EXPECT_EQ(reply.finish, Finish::kLength);
}

}  // namespace
}  // namespace jade::remote
