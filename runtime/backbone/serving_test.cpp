#include "runtime/backbone/serving.h"

#include <gtest/gtest.h>

#include <cmath>
#include <future>
#include <map>
#include <thread>

#include "runtime/backbone/block_pool.h"
#include "runtime/backbone/byte_tokenizer.h"
#include "runtime/backbone/fake_executor.h"
#include "runtime/backbone/one_of.h"

namespace jade::backbone {
namespace {

using engine::Event;
using engine::Finish;
using engine::MessageRole;

class ServingThreads : public ::testing::Test {
 protected:
  void Start(std::vector<ServedPolicy> policies, ServingOptions options = {}, int64_t blocks = 64) {
    FakeExecutor::Options fake;
    fake.blocks = blocks;
    fake.vocabulary = kByteVocabulary;
    fake.policies = static_cast<int>(policies.size());
    auto made = MakeServingEngine(std::move(policies), ByteChat(), options,
                                  [fake, before = before_run_]() -> Result<std::unique_ptr<Executor>> {
                                    auto executor = std::make_unique<FakeExecutor>(fake);
                                    executor->before_run = before;
                                    return std::unique_ptr<Executor>(std::move(executor));
                                  });
    ASSERT_TRUE(made.ok()) << made.error().ToString();
    engine_ = std::move(made).value();
    queue_ = std::make_shared<engine::EventQueue>();
    engine_->Connect(queue_);
  }

  static engine::Request MakeRequest(uint64_t id, const std::string& text, int max_tokens = 8) {
    engine::Request request;
    request.id = id;
    request.messages = std::make_shared<engine::Messages>(engine::Messages{{MessageRole::kUser, text}});
    request.role = "AG";
    request.sampling.temperature = 0.0;
    request.sampling.max_tokens = max_tokens;
    return request;
  }

  void Collect(size_t count) {
    const size_t wanted = replies_.size() + count;
    while (replies_.size() < wanted) {
      std::vector<Event> events;
      if (!queue_->Drain(&events)) queue_->Wait(std::chrono::seconds(1));
      for (Event& event : events) {
        if (event.kind == Event::Kind::kReply) replies_[event.id] = std::move(event.reply);
      }
    }
  }

  std::function<void(const Step&)> before_run_;
  std::unique_ptr<ServingEngine> engine_;
  std::shared_ptr<engine::EventQueue> queue_;
  std::map<uint64_t, engine::Reply> replies_;
};

TEST_F(ServingThreads, ManyThreadsSubmitAndCancelWhileWeightsChange) {
  Start({{"a", 256, {}}, {"b", 256, {}}});
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 50; ++i) {
        engine::Request request = MakeRequest(t * 1000 + i, std::string(1 + i % 40, 'x'));
        request.policy = i % 2 == 0 ? "a" : "b";
        if (i % 5 == 0) request.constraint = std::make_shared<OneOf>(std::vector<std::string>{"yes", "no"});
        EXPECT_TRUE(engine_->Submit(std::move(request)).ok());
        if (i % 7 == 0) engine_->Cancel(t * 1000 + i);
        if (i == 25) {
          EXPECT_TRUE(engine_->Refresh("b", {}).ok());
        }
        engine_->statistics();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Collect(200);
  for (const auto& [id, reply] : replies_) EXPECT_NE(reply.finish, Finish::kError);
}

TEST_F(ServingThreads, TooManyWaitingCallsAreRefused) {
  std::promise<void> go;
  before_run_ = [wait = go.get_future().share()](const Step&) { wait.wait(); };
  ServingOptions options;
  options.max_waiting = 3;
  Start({{"", 256, {}}}, options);
  for (uint64_t id = 1; id <= 3; ++id) ASSERT_TRUE(engine_->Submit(MakeRequest(id, "x")).ok());
  const Status fourth = engine_->Submit(MakeRequest(4, "x"));
  ASSERT_FALSE(fourth.ok());
  EXPECT_EQ(fourth.error().code(), ErrorCode::kUnavailable);
  go.set_value();
  Collect(3);
  EXPECT_TRUE(engine_->Submit(MakeRequest(5, "x")).ok());
  Collect(1);
}

TEST_F(ServingThreads, WhatIsWrongIsRefusedAtOnce) {
  Start({{"first", 64, {}}, {"second", 40, {}}}, {}, 3);
  const auto refused = [&](const engine::Request& request) {
    const Status status = engine_->Submit(request);
    EXPECT_FALSE(status.ok());
    return status.ok() ? "" : std::string(ErrorCodeName(status.error().code())) + ": " + status.error().message();
  };
  engine::Request request = MakeRequest(1, "x");
  request.policy = "third";
  EXPECT_NE(refused(request).find("it serves `first`, `second`"), std::string::npos);
  EXPECT_NE(refused(MakeRequest(1, std::string(70, 'x'))).find("holds 64 with the reply"), std::string::npos);
  request = MakeRequest(1, std::string(25, 'x'));
  request.policy = "second";
  EXPECT_NE(refused(request).find("holds 40 with the reply"), std::string::npos);
  EXPECT_NE(refused(MakeRequest(1, std::string(20, 'x'), 20)).find("KiB of KV cache"), std::string::npos);
  request = MakeRequest(1, "x");
  request.messages = nullptr;
  EXPECT_NE(refused(request).find("no messages"), std::string::npos);
  const double nan = std::nan("");
  for (const auto& change : std::vector<std::function<void(engine::Sampling*)>>{
           [](auto* s) { s->temperature = -1.0; }, [&](auto* s) { s->temperature = nan; },
           [](auto* s) { s->top_p = 0.0; }, [&](auto* s) { s->top_p = nan; }, [](auto* s) { s->top_k = -1; },
           [](auto* s) { s->min_p = 1.5; }, [&](auto* s) { s->min_p = nan; },
           [](auto* s) { s->repetition_penalty = 0.0; }, [&](auto* s) { s->repetition_penalty = nan; },
           [](auto* s) { s->max_tokens = 0; }}) {
    request = MakeRequest(1, "x");
    change(&request.sampling);
    EXPECT_NE(refused(request).find("must be"), std::string::npos);
  }
  request = MakeRequest(1, "x");
  request.constraint = std::make_shared<OneOf>(std::vector<std::string>{"#"});
  EXPECT_NE(refused(request).find("cannot spell"), std::string::npos);
  EXPECT_EQ(engine_->Refresh("third", {}).error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(engine_->Submit(MakeRequest(1, "x")).ok());
  Collect(1);
}

TEST_F(ServingThreads, TheCountsAddUp) {
  Start({{"", 256, {}}});
  const std::string prompt(60, 'x');
  ASSERT_TRUE(engine_->Submit(MakeRequest(1, prompt, 4)).ok());
  Collect(1);
  ASSERT_TRUE(engine_->Submit(MakeRequest(2, prompt, 4)).ok());
  Collect(1);
  ASSERT_TRUE(engine_->Refresh("", {}).ok());  // the counts of the last step are there
  const auto tokens = static_cast<int64_t>(replies_[1].observation_ids.size());
  const ServingStatistics s = engine_->statistics();
  EXPECT_EQ(s.calls, 2);
  EXPECT_EQ(s.prefill_tokens, tokens + 1);
  EXPECT_EQ(s.cached_tokens, tokens - 1);
  EXPECT_EQ(replies_[2].cached_tokens, tokens - 1);
  EXPECT_EQ(s.decode_tokens, static_cast<int64_t>(replies_[1].action_ids.size() + replies_[2].action_ids.size()) - 2);
  EXPECT_EQ(s.blocks, 64);
  EXPECT_GE(s.peak_used_blocks, BlocksFor(tokens));
}

TEST(ServingEngine, WhatCannotStartSaysWhy) {
  const auto make = [](std::vector<ServedPolicy> policies, ServingOptions options, const ExecutorFactory& factory) {
    const auto made = MakeServingEngine(std::move(policies), ByteChat(), options, factory);
    return made.ok() ? std::string() : made.error().ToString();
  };
  const ExecutorFactory fails = [] { return Error(ErrorCode::kOutOfMemory, "no memory for blocks"); };
  EXPECT_EQ(make({{"", 64, {}}}, {}, fails), "no memory for blocks");
  const ExecutorFactory tiny = []() -> Result<std::unique_ptr<Executor>> {
    FakeExecutor::Options options;
    options.blocks = 0;
    return std::unique_ptr<Executor>(std::make_unique<FakeExecutor>(options));
  };
  EXPECT_NE(make({{"", 64, {}}}, {}, tiny).find("`kv_cache` is too small"), std::string::npos);
  EXPECT_FALSE(make({}, {}, fails).empty());
  ServingOptions options;
  options.max_sequences = 0;
  EXPECT_NE(make({{"", 64, {}}}, options, fails).find("must be at least 1"), std::string::npos);
}

}  // namespace
}  // namespace jade::backbone
