// The client against servers that are slow, broken or unfriendly. Time is virtual: nothing here waits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>

#include "runtime/http/backoff.h"
#include "runtime/http/collector.h"
#include "runtime/http/failure.h"
#include "runtime/http/http.h"
#include "runtime/http/stub_server.h"

namespace jade::http {
namespace {

using testing::HasSubstr;

class HostileServerTest : public testing::Test {
 protected:
  void SetUp() override {
    auto client = Client::Create({.concurrency = 4, .clock = clock_});
    ASSERT_TRUE(client.ok());
    client_ = std::move(*client);
  }
  Result<Response> Get(const StubServer& server, int retries = 0) {
    return Fetch(*client_, {.url = server.Url("/x"), .retries = retries});
  }
  // A server that does `first` to the first `times` requests and behaves afterwards.
  static StubServer::Handler Then(int times, StubServer::Handler first) {
    return [times, first = std::move(first)](const StubRequest& request, StubConnection& to) {
      if (request.number <= times) return first(request, to);
      to.Reply(200, "fine");
    };
  }
  std::shared_ptr<engine::VirtualClock> clock_ = std::make_shared<engine::VirtualClock>();
  std::unique_ptr<Client> client_;
};

TEST_F(HostileServerTest, NobodyListens) {
  int port = 0;
  {
    port = StubServer([](const StubRequest&, StubConnection&) {}).port();
  }
  const auto reply = Fetch(*client_, {.url = "http://127.0.0.1:" + std::to_string(port) + "/x", .retries = 2});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(reply.error().ToString(), HasSubstr("cannot connect: is the server running"));
  EXPECT_THAT(reply.error().ToString(), HasSubstr("(after 3 attempts)"));
}

TEST_F(HostileServerTest, ClosesResetsAndHalfRepliesAreTriedAgain) {
  const StubServer::Handler rude[] = {
      [](const StubRequest&, StubConnection& to) { to.Close(); },
      [](const StubRequest&, StubConnection& to) { to.Reset(); },
      [](const StubRequest&, StubConnection& to) {
        to.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf a rep");
        to.Close();
      },
      [](const StubRequest&, StubConnection& to) {
        to.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
        to.Reset();
      },
      [](const StubRequest&, StubConnection& to) { to.Reply(500, "oops"); },
      [](const StubRequest&, StubConnection& to) { to.Reply(503, "", "Connection: close\r\n"); },
  };
  for (const auto& handler : rude) {
    const size_t which = static_cast<size_t>(&handler - rude);
    StubServer once(Then(1, handler));
    const auto reply = Get(once, 3);
    ASSERT_TRUE(reply.ok()) << which << ": " << reply.error().ToString();
    EXPECT_EQ(reply->body, "fine") << which;
    EXPECT_EQ(reply->attempts, 2) << which;
    StubServer always(Then(1'000'000, handler));
    const auto never = Get(always, 3);
    EXPECT_FALSE(never.ok() && never->status == 200) << which;
    EXPECT_EQ(always.requests() >= 4, true) << which;
  }
}

TEST_F(HostileServerTest, ARefusalIsNotTriedAgain) {
  for (const int status : {400, 401, 403, 404, 422}) {
    StubServer server([&](const StubRequest&, StubConnection& to) { to.Reply(status, R"({"error":"no"})"); });
    const auto reply = Get(server, 5);
    ASSERT_TRUE(reply.ok());
    EXPECT_EQ(reply->status, status);
    EXPECT_EQ(server.requests(), 1);
  }
}

TEST_F(HostileServerTest, RetryAfterIsHonoured) {
  StubServer server(Then(2, [](const StubRequest&, StubConnection& to) { to.Reply(429, "", "Retry-After: 7\r\n"); }));
  const auto reply = Get(server, 4);
  ASSERT_TRUE(reply.ok()) << reply.error().ToString();
  EXPECT_EQ(reply->body, "fine");
  EXPECT_GE(clock_->NowMicros(), 14'000'000);
  EXPECT_LE(clock_->NowMicros(), 14'000'000 + kFirstPauseUs);
}

TEST_F(HostileServerTest, RetryAfterHoldsTheOthersToo) {
  std::latch both_queued(1);
  std::atomic<int64_t> second_at{-1};
  StubServer server([&](const StubRequest& request, StubConnection& to) {
    if (request.number == 1) {
      both_queued.wait();
      to.Reply(429, "", "Retry-After: 30\r\n");
      return;
    }
    if (request.number == 2) second_at = clock_->NowMicros();
    to.Reply(200, "fine");
  });
  auto client = Client::Create({.concurrency = 1, .clock = clock_});
  ASSERT_TRUE(client.ok());
  Collector collector;
  for (const int key : {0, 1}) {
    (*client)->Submit({.url = server.Url("/"), .retries = 1}, collector.Receive(key));
  }
  both_queued.count_down();
  collector.Wait(2);
  EXPECT_GE(second_at, 30'000'000);
  for (const int key : {0, 1}) EXPECT_TRUE(collector.Get(key).result->ok());
}

TEST_F(HostileServerTest, AnHourIsNotWaitedFor) {
  StubServer server([](const StubRequest&, StubConnection& to) { to.Reply(429, "", "Retry-After: 3600\r\n"); });
  const auto reply = Get(server, 4);
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->status, 429);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(HostileServerTest, NeverAnswers) {
  std::latch there(1);
  StubServer server([&](const StubRequest& request, StubConnection& to) {
    if (request.number == 1) {
      there.count_down();
      to.WaitUntilLeft();
    } else {
      to.Reply(200, "fine");
    }
  });
  Collector collector;
  Request request{.url = server.Url("/"), .retries = 1};
  request.timeouts.first_byte = std::chrono::seconds(20);
  request.timeouts.attempt = std::chrono::seconds(60);
  client_->Submit(std::move(request), collector.Receive(0));
  there.wait();
  clock_->SkipTo(20'000'000);
  client_->Wake();
  const auto reply = collector.Only();
  ASSERT_TRUE(reply.ok()) << reply.error().ToString();
  EXPECT_EQ(reply->body, "fine");
  EXPECT_EQ(reply->attempts, 2);
}

TEST_F(HostileServerTest, AnswersForEver) {
  std::latch begun(1);
  StubServer server([&](const StubRequest&, StubConnection& to) {
    to.BeginStream();
    to.Send("data: 1\n\n");
    begun.count_down();
    to.WaitUntilLeft();
  });
  Collector collector;
  Request request{.url = server.Url("/")};
  request.timeouts.first_byte = std::chrono::seconds(20);
  request.timeouts.attempt = std::chrono::seconds(60);
  client_->Submit(std::move(request), collector.Receive(0));
  begun.wait();
  clock_->SkipTo(60'000'000);
  client_->Wake();
  const auto reply = collector.Only();
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code(), ErrorCode::kDeadline);
  EXPECT_THAT(reply.error().ToString(), HasSubstr("within 60 s"));
}

TEST_F(HostileServerTest, TheTotalCountsPausesToo) {
  StubServer server([](const StubRequest&, StubConnection& to) { to.Reply(503, "", "Retry-After: 10\r\n"); });
  Request request{.url = server.Url("/"), .retries = 1000};
  request.timeouts.total = std::chrono::seconds(35);
  const auto reply = Fetch(*client_, std::move(request));
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code(), ErrorCode::kDeadline);
  EXPECT_THAT(reply.error().ToString(), HasSubstr("not done within 35 s; before:"));
  EXPECT_THAT(reply.error().ToString(), HasSubstr("status 503"));
  EXPECT_EQ(clock_->NowMicros(), 35'000'000);
}

TEST_F(HostileServerTest, ALongReplyIsCutOff) {
  StubServer server([&](const StubRequest&, StubConnection& to) {
    to.BeginStream("application/json");
    const std::string block(1 << 16, 'x');
    while (to.Send(block)) {
    }
  });
  const auto reply = Fetch(*client_, {.url = server.Url("/"), .retries = 3, .max_bytes = 1 << 20});
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(reply.error().ToString(), HasSubstr("longer than 1048576 bytes"));
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(HostileServerTest, EndlessHeadersAreCutOff) {
  StubServer server([&](const StubRequest&, StubConnection& to) {
    to.Send("HTTP/1.1 200 OK\r\n");
    while (to.Send("X-Header: " + std::string(1000, 'x') + "\r\n")) {
    }
  });
  const auto reply = Get(server);
  ASSERT_FALSE(reply.ok());
  EXPECT_THAT(reply.error().ToString(), HasSubstr("headers"));
}

TEST_F(HostileServerTest, ALongRefusalIsStillARefusal) {
  StubServer server([&](const StubRequest&, StubConnection& to) {
    to.Send("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
    const std::string block(1 << 16, 'x');
    while (to.Send(block)) {
    }
  });
  const auto reply = Fetch(*client_, {.url = server.Url("/"), .max_bytes = 1 << 20});
  ASSERT_TRUE(reply.ok()) << reply.error().ToString();
  EXPECT_EQ(reply->status, 404);
  EXPECT_LE(reply->body.size(), 1U << 16U);
}

TEST_F(HostileServerTest, RedirectsAreFollowedButNotForEver) {
  StubServer loop([&](const StubRequest&, StubConnection& to) { to.Reply(307, "", "Location: /again\r\n"); });
  const auto lost = Get(loop, 3);
  ASSERT_FALSE(lost.ok());
  EXPECT_THAT(lost.error().ToString(), HasSubstr("more than 5 redirects"));
  EXPECT_EQ(loop.requests(), 6);
  StubServer once([&](const StubRequest& request, StubConnection& to) {
    if (request.path == "/x") {
      to.Reply(307, "", "Location: /y\r\n");
    } else {
      to.Reply(200, request.method + request.body);
    }
  });
  const auto moved = Fetch(*client_, {.method = "POST", .url = once.Url("/x"), .body = "body"});
  ASSERT_TRUE(moved.ok());
  EXPECT_EQ(moved->body, "POSTbody");
  StubServer file(
      [&](const StubRequest&, StubConnection& to) { to.Reply(302, "", "Location: file:///etc/passwd\r\n"); });
  EXPECT_FALSE(Get(file).ok());
}

TEST_F(HostileServerTest, DoesNotSpeakHttp) {
  StubServer server([&](const StubRequest&, StubConnection& to) {
    to.Send("SSH-2.0-OpenSSH_9.2\r\n");
    to.Close();
  });
  const auto reply = Get(server);
  ASSERT_FALSE(reply.ok());
  EXPECT_EQ(reply.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(reply.error().ToString(), HasSubstr("does not speak HTTP"));
}

TEST_F(HostileServerTest, AReceiverCanRefuseToTryAgain) {
  class Picky final : public Receiver {
   public:
    Picky(Collector* collector, bool may_retry) : inner_(collector->Receive(0)), may_retry_(may_retry) {}
    Status Check(const Response& response) override {
      if (response.body == "fine") return {};
      return Error(ErrorCode::kCorrupt, "not what was asked for");
    }
    bool MayRetry() override { return may_retry_; }
    void Done(Result<Response> result) override { inner_->Done(std::move(result)); }

   private:
    std::unique_ptr<Receiver> inner_;
    bool may_retry_;
  };
  for (const bool may_retry : {true, false}) {
    StubServer server(Then(1, [](const StubRequest&, StubConnection& to) { to.Reply(200, "half"); }));
    Collector collector;
    client_->Submit({.url = server.Url("/"), .retries = 3}, std::make_unique<Picky>(&collector, may_retry));
    EXPECT_EQ(collector.Only().ok(), may_retry);
    EXPECT_EQ(server.requests(), may_retry ? 2 : 1);
  }
}

}  // namespace
}  // namespace jade::http
