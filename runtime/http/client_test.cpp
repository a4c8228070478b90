// What the client promises over a server that behaves: many at once, order, limits, cancelling.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>

#include "runtime/http/backoff.h"
#include "runtime/http/collector.h"
#include "runtime/http/http.h"
#include "runtime/http/stub_server.h"

namespace jade::http {
namespace {

using testing::HasSubstr;

std::unique_ptr<Client> MakeClient(ClientOptions options = {}) {
  auto client = Client::Create(std::move(options));
  EXPECT_TRUE(client.ok());
  return std::move(*client);
}

TEST(HttpClientTest, PostsAndReads) {
  StubServer server([](const StubRequest& request, StubConnection& to) {
    EXPECT_EQ(request.headers.at("x-name"), "value");
    to.Reply(200, request.method + " " + request.path + " " + request.body);
  });
  auto client = MakeClient();
  const auto reply = Fetch(
      *client,
      {.method = "POST", .url = server.Url("/a/b?c"), .headers = {"X-Name: value"}, .body = std::string("x\0y", 3)});
  ASSERT_TRUE(reply.ok()) << reply.error().ToString();
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->body, std::string("POST /a/b?c x\0y", 15));
}

TEST(HttpClientTest, ThousandsOfRequestsEachAnsweredOnce) {
  StubServer server([](const StubRequest& request, StubConnection& to) { to.Reply(200, request.body); });
  auto client = MakeClient({.concurrency = 16});
  Collector collector;
  constexpr int kRequests = 3000;
  for (int i = 0; i < kRequests; ++i) {
    client->Submit({.method = "POST", .url = server.Url("/"), .body = std::to_string(i)}, collector.Receive(i));
  }
  collector.Wait(kRequests);
  client.reset();
  EXPECT_EQ(collector.done(), kRequests);
  for (int i = 0; i < kRequests; ++i) {
    const auto kept = collector.Get(i);
    ASSERT_EQ(kept.done, 1);
    ASSERT_TRUE(kept.result->ok());
    EXPECT_EQ((*kept.result)->body, std::to_string(i));
  }
  EXPECT_EQ(server.requests(), kRequests);
  EXPECT_LE(server.connections(), 16) << "connections are kept";
}

TEST(HttpClientTest, ConcurrencyIsUsedAndKept) {
  std::latch all_there(8);
  StubServer server([&](const StubRequest& request, StubConnection& to) {
    if (request.number <= 8) all_there.arrive_and_wait();
    to.Reply(200, "");
  });
  auto client = MakeClient({.concurrency = 8});
  Collector collector;
  for (int i = 0; i < 40; ++i) client->Submit({.url = server.Url("/")}, collector.Receive(i));
  collector.Wait(40);
  EXPECT_LE(server.connections(), 8);
}

TEST(HttpClientTest, EarlierDeadlinesGoFirst) {
  std::latch go(1);
  std::mutex mutex;
  std::string order;
  StubServer server([&](const StubRequest& request, StubConnection& to) {
    if (request.body == "first") {
      go.wait();
    } else {
      std::lock_guard lock(mutex);
      order += request.body;
    }
    to.Reply(200, "");
  });
  auto client = MakeClient({.concurrency = 1});
  Collector collector;
  const auto post = [&](int key, const char* body, int wanted) {
    Request request{.method = "POST", .url = server.Url("/"), .body = body};
    if (wanted > 0) request.wanted = std::chrono::steady_clock::time_point(std::chrono::seconds(wanted));
    client->Submit(std::move(request), collector.Receive(key));
  };
  post(0, "first", 1);
  post(1, "d", 0);
  post(2, "b", 20);
  post(3, "a", 10);
  post(4, "c", 20);
  post(5, "e", 0);
  go.count_down();
  collector.Wait(6);
  EXPECT_EQ(order, "abcde");
}

TEST(HttpClientTest, CancelsOnTheWireAndInTheQueue) {
  std::latch there(1);
  StubServer server([&](const StubRequest& request, StubConnection& to) {
    if (request.number > 1) {
      to.Reply(200, "");
      return;
    }
    there.count_down();
    to.WaitUntilLeft();  // ends because the client closes the connection
  });
  auto client = MakeClient({.concurrency = 1});
  Collector collector;
  const auto first = client->Submit({.url = server.Url("/")}, collector.Receive(0));
  const auto second = client->Submit({.url = server.Url("/")}, collector.Receive(1));
  there.wait();
  client->Cancel(second);
  collector.Wait(1);
  client->Cancel(first);
  collector.Wait(2);
  client->Cancel(first);  // long gone
  client->Cancel(12345);
  for (const int key : {0, 1}) EXPECT_EQ(collector.Get(key).result->error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(collector.Get(1).started, 0);
  EXPECT_TRUE(Fetch(*client, {.url = server.Url("/")}).ok()) << "its place is free again";
  EXPECT_EQ(collector.done(), 2);
}

TEST(HttpClientTest, ItsEndEndsWhatIsUnderWay) {
  std::latch there(1);
  StubServer server([&](const StubRequest&, StubConnection& to) {
    there.count_down();
    to.WaitUntilLeft();
  });
  Collector collector;
  auto client = MakeClient({.concurrency = 1});
  for (int i = 0; i < 50; ++i) client->Submit({.url = server.Url("/")}, collector.Receive(i));
  there.wait();
  client.reset();
  ASSERT_EQ(collector.done(), 50);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(collector.Get(i).result->error().code(), ErrorCode::kCancelled);
}

TEST(HttpClientTest, KeepsToTheRate) {
  StubServer server([](const StubRequest&, StubConnection& to) { to.Reply(200, ""); });
  auto clock = std::make_shared<engine::VirtualClock>();
  auto client = MakeClient({.concurrency = 64, .requests_per_second = 2, .clock = clock});
  Collector collector;
  for (int i = 0; i < 12; ++i) client->Submit({.url = server.Url("/")}, collector.Receive(i));
  collector.Wait(12);
  EXPECT_EQ(clock->NowMicros(), 5'000'000) << "two at once, then ten at two a second";
}

TEST(HttpClientTest, StreamsAsItArrives) {
  std::latch first_seen(1);
  StubServer server([&](const StubRequest&, StubConnection& to) {
    to.BeginStream();
    to.Send("data: 1\n\n");
    first_seen.wait();
    to.Send("data: 2\n\n");
    to.Close();
  });
  class Streaming final : public Receiver {
   public:
    Streaming(std::latch* seen, std::latch* done, std::string* all) : seen_(seen), done_(done), all_(all) {}
    bool streams() const override { return true; }
    Status Data(std::string_view bytes) override {
      if (all_->empty()) seen_->count_down();
      *all_ += bytes;
      return {};
    }
    void Done(Result<Response> result) override {
      EXPECT_TRUE(result.ok());
      done_->count_down();
    }

   private:
    std::latch *seen_, *done_;
    std::string* all_;
  };
  std::latch done(1);
  std::string all;
  auto client = MakeClient();
  client->Submit({.url = server.Url("/")}, std::make_unique<Streaming>(&first_seen, &done, &all));
  done.wait();
  EXPECT_EQ(all, "data: 1\n\ndata: 2\n\n");
}

TEST(HttpClientTest, AReceiverMaySubmit) {
  StubServer server([](const StubRequest&, StubConnection& to) { to.Reply(200, ""); });
  auto client = MakeClient();
  Collector collector;
  class Chain final : public Receiver {
   public:
    Chain(Client* client, Collector* collector, std::string url, int left)
        : client_(client), collector_(collector), url_(std::move(url)), left_(left) {}
    void Done(Result<Response> result) override {
      EXPECT_TRUE(result.ok());
      if (left_ == 0) {
        client_->Submit({.url = url_}, collector_->Receive(0));
      } else {
        client_->Submit({.url = url_}, std::make_unique<Chain>(client_, collector_, url_, left_ - 1));
      }
    }

   private:
    Client* client_;
    Collector* collector_;
    std::string url_;
    int left_;
  };
  client->Submit({.url = server.Url("/")}, std::make_unique<Chain>(client.get(), &collector, server.Url("/"), 5));
  collector.Wait(1);
  EXPECT_EQ(server.requests(), 7);
}

TEST(HttpClientTest, BadRequestsFailWithoutANetwork) {
  auto client = MakeClient();
  const auto error = [&](const Request& request) { return Fetch(*client, request).error(); };
  EXPECT_EQ(error({.url = "ftp://127.0.0.1/x"}).code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error({.url = "file:///etc/passwd"}).ToString(), HasSubstr("only http:// and https:// are supported"));
  EXPECT_EQ(error({.url = "http://[oops"}).code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(error({.url = "http://127.0.0.1:1/", .headers = {"X: a\r\nY: b"}}).ToString(), HasSubstr("line break"));
  EXPECT_EQ(Client::Create({.concurrency = 0}).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace jade::http
