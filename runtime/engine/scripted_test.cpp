#include "runtime/engine/scripted.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>

namespace jade::engine {
namespace {

Request MakeRequest(uint64_t id, std::string role) {
  Request request;
  request.id = id;
  request.role = std::move(role);
  request.messages = std::make_shared<Messages>(Messages{{MessageRole::kUser, "a question"}});
  return request;
}

std::vector<Event> DrainReplies(EventQueue& queue) {
  std::vector<Event> events;
  queue.Drain(&events);
  std::erase_if(events, [](const Event& event) { return event.kind == Event::Kind::kStarted; });
  return events;
}

TEST(ScriptedEngine, RepliesInOrderOfDelayOnOneClockWithItsTools) {
  auto schedule = std::make_shared<ScriptSchedule>();
  ScriptedEngine engine(schedule);
  ScriptedTools tools(schedule);
  auto queue = std::make_shared<EventQueue>();
  engine.Connect(queue);
  tools.Connect(queue);
  engine.Add("QR", ScriptedReply{"slow", 300});
  engine.Add("QR", ScriptedReply{"fast", 100});
  tools.Add("R", {"[]", 200});
  ASSERT_TRUE(engine.Submit(MakeRequest(1, "QR")).ok());
  ASSERT_TRUE(engine.Submit(MakeRequest(2, "QR")).ok());
  ASSERT_TRUE(tools.Submit(ToolRequest{3, "R", "{}"}).ok());
  while (engine.Step()) {
  }
  std::vector<Event> events = DrainReplies(*queue);
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].reply.text, "fast");
  EXPECT_EQ(events[1].tool.result, "[]");
  EXPECT_EQ(events[2].reply.text, "slow");
  EXPECT_EQ(engine.clock()->NowMicros(), 300);
  EXPECT_EQ(events[2].reply.timings.decode_us, 300);
}

TEST(ScriptedEngine, AnUnscriptedCallFailsAtOnceAndUnusedRepliesAreReported) {
  ScriptedEngine engine;
  engine.Connect(std::make_shared<EventQueue>());
  engine.Add("AG", "unused");
  Status status = engine.Submit(MakeRequest(1, "QR"));
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message(), "the script has no reply for call 1 of `QR`");
  EXPECT_EQ(engine.Unused(), (std::map<std::string, size_t>{{"AG", 1}}));
}

TEST(ScriptedEngine, TheLastReplyCanRepeatUntilAnotherIsAdded) {
  ScriptOptions options;
  options.repeat_last = true;
  ScriptedEngine engine(options);
  auto queue = std::make_shared<EventQueue>();
  engine.Connect(queue);
  auto ask = [&] {
    EXPECT_TRUE(engine.Submit(MakeRequest(1, "QR")).ok());
    engine.Step();
    return DrainReplies(*queue).back().reply.text;
  };
  engine.Add("QR", "a");
  engine.Add("QR", "b");
  for (const char* expected : {"a", "b", "b"}) EXPECT_EQ(ask(), expected);
  EXPECT_TRUE(engine.Unused().empty());
  engine.Add("QR", "c");
  EXPECT_EQ(engine.Unused().at("QR"), 1u);
  for (const char* expected : {"c", "c"}) EXPECT_EQ(ask(), expected);
}

TEST(ScriptedEngine, ShuffledOrdersDifferBySeedAndRepeat) {
  auto order = [](uint64_t seed) {
    ScriptedEngine engine(ScriptOptions{ScriptOptions::Order::kShuffled, seed});
    auto queue = std::make_shared<EventQueue>();
    engine.Connect(queue);
    engine.AddDefault("QR", ScriptedReply{"x"});
    for (uint64_t id = 0; id < 8; ++id) EXPECT_TRUE(engine.Submit(MakeRequest(id, "QR")).ok());
    while (engine.Step()) {
    }
    std::vector<uint64_t> ids;
    for (const Event& event : DrainReplies(*queue)) ids.push_back(event.id);
    return ids;
  };
  std::set<std::vector<uint64_t>> orders;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(order(seed), order(seed));
    orders.insert(order(seed));
  }
  EXPECT_GT(orders.size(), 15u);
}

TEST(ScriptedEngine, TruncatesStopsAndStreams) {
  ScriptedEngine engine;
  auto queue = std::make_shared<EventQueue>();
  engine.Connect(queue);
  engine.AddDefault("AG", ScriptedReply{"one two three STOP four"});
  Request request = MakeRequest(1, "AG");
  request.sampling.stop = {"STOP"};
  request.want_stream = true;
  ASSERT_TRUE(engine.Submit(request).ok());
  request.id = 2;
  request.sampling.max_tokens = 2;
  request.want_stream = false;
  ASSERT_TRUE(engine.Submit(request).ok());
  while (engine.Step()) {
  }
  std::vector<Event> events = DrainReplies(*queue);
  ASSERT_EQ(events.size(), 6u);
  std::string streamed;
  for (size_t i = 0; i < 4; ++i) streamed += events[i].delta;
  EXPECT_EQ(streamed, "one two three ");
  EXPECT_EQ(events[4].reply.text, streamed);
  EXPECT_EQ(events[4].reply.finish, Finish::kStop);
  EXPECT_EQ(events[5].reply.text, "one two");
  EXPECT_EQ(events[5].reply.finish, Finish::kLength);
  EXPECT_EQ(events[5].reply.action_ids.size(), 2u);
  EXPECT_EQ(events[5].reply.log_probs.size(), 2u);
}

TEST(ScriptedEngine, CancelAnswersOnceAndOnlyWhatIsInFlight) {
  ScriptedEngine engine;
  auto queue = std::make_shared<EventQueue>();
  engine.Connect(queue);
  engine.Add("AG", "text");
  ASSERT_TRUE(engine.Submit(MakeRequest(1, "AG")).ok());
  engine.Cancel(1);
  engine.Cancel(1);
  engine.Cancel(99);
  EXPECT_FALSE(engine.Step());
  std::vector<Event> events = DrainReplies(*queue);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reply.finish, Finish::kCancelled);
}

TEST(ScriptedEngine, AReplyCanStayAwayUntilItsCallIsCancelled) {
  ScriptedEngine engine;
  auto queue = std::make_shared<EventQueue>();
  engine.Connect(queue);
  engine.Add("AG", ScriptedReply{.never = true});
  engine.Add("AG", "text");
  ASSERT_TRUE(engine.Submit(MakeRequest(1, "AG")).ok());
  ASSERT_TRUE(engine.Submit(MakeRequest(2, "AG")).ok());
  while (engine.Step()) {
  }
  EXPECT_EQ(DrainReplies(*queue).size(), 1u);
  EXPECT_EQ(engine.in_flight(), 1u);
  engine.Cancel(1);
  std::vector<Event> events = DrainReplies(*queue);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].reply.finish, Finish::kCancelled);
}

TEST(EventQueue, WaitEndsWithAnEventOrAWakeFromAnotherThread) {
  EventQueue queue;
  std::thread poster([&] { queue.Post(Event{}); });
  queue.Wait(std::chrono::hours(1));
  poster.join();
  std::vector<Event> events;
  EXPECT_TRUE(queue.Drain(&events));
  std::thread waker([&] { queue.Wake(); });
  queue.Wait(std::chrono::hours(1));
  waker.join();
  EXPECT_FALSE(queue.Drain(&events));
}

}  // namespace
}  // namespace jade::engine
