#include "bench/engine/call_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace jade::bench {
namespace {

using ::testing::ElementsAre;

// Answers the newest call first, one in each Step, and remembers what had been answered when a call came.
class NewestFirst final : public engine::Engine {
 public:
  Status Submit(engine::Request request) override {
    if (request.role == "refused") return Error(ErrorCode::kInvalidArgument, "refused");
    submitted.push_back(request.id);
    seen_done.push_back(done_);
    constrained += request.constraint != nullptr ? 1 : 0;
    waiting_.push_back(std::move(request));
    most_waiting = std::max(most_waiting, waiting_.size());
    return {};
  }
  void Cancel(uint64_t id) override { cancelled_.insert(id); }
  bool Step() override {
    if (waiting_.empty()) return false;
    const engine::Request request = std::move(waiting_.back());
    waiting_.pop_back();
    engine::Reply reply;
    if (cancelled_.contains(request.id)) reply.finish = engine::Finish::kCancelled;
    if (request.role == "fails") {
      reply.finish = engine::Finish::kError;
      reply.error = Error(ErrorCode::kUnavailable, "no more");
    }
    reply.observation_ids.assign(10, 1);
    reply.cached_tokens = 4;
    reply.action_ids.assign(static_cast<size_t>(request.sampling.max_tokens), 5);
    done_.insert(request.id);
    PostReply(request.id, std::move(reply));
    return true;
  }
  std::string Describe() const override { return "newest first"; }

  std::vector<uint64_t> submitted;
  std::vector<std::set<uint64_t>> seen_done;
  size_t most_waiting = 0;
  int constrained = 0;
  size_t left() const { return waiting_.size(); }

 private:
  std::vector<engine::Request> waiting_;
  std::set<uint64_t> done_, cancelled_;
};

PlannedCall MakeCall(size_t waits_for, size_t rank, const std::string& role = "QR") {
  PlannedCall call;
  call.messages = std::make_shared<engine::Messages>(engine::Messages{{engine::MessageRole::kUser, "ask"}});
  call.role = role;
  call.reply_tokens = 3;
  call.waits_for = waits_for;
  call.rank = rank;
  return call;
}

TEST(CallPlanTest, ACallIsMadeWhenThoseItWaitsForAreDone) {
  // The second ends before the first; the third waits for the second alone, the fourth for all three.
  CallPlan plan;
  plan.lines = {{MakeCall(0, 1), MakeCall(0, 0), MakeCall(1, 2), MakeCall(3, 3)}};
  NewestFirst engine;
  const auto outcome = RunCalls(engine, plan, nullptr);
  ASSERT_TRUE(outcome.ok()) << outcome.error().ToString();
  EXPECT_THAT(engine.submitted, ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(engine.seen_done[2], ElementsAre(2));
  EXPECT_THAT(engine.seen_done[3], ElementsAre(1, 2, 3));
  EXPECT_EQ(outcome->prompt_tokens, 40);
  EXPECT_EQ(outcome->cached_tokens, 16);
  EXPECT_EQ(outcome->reply_tokens, 12);
  EXPECT_EQ(engine.constrained, 0);
}

TEST(CallPlanTest, SoManyLinesAreUnderWayAtOnce) {
  CallPlan plan;
  for (int line = 0; line < 6; ++line) plan.lines.push_back({MakeCall(0, 0), MakeCall(1, 1)});
  plan.may_end = true;
  NewestFirst all;
  ASSERT_TRUE(RunCalls(all, plan, nullptr).ok());
  EXPECT_EQ(all.most_waiting, 6U);
  EXPECT_EQ(all.constrained, 12) << "replies that might end are kept from it";
  plan.lines_at_once = 2;
  NewestFirst two;
  ASSERT_TRUE(RunCalls(two, plan, nullptr).ok());
  EXPECT_EQ(two.most_waiting, 2U);
  EXPECT_EQ(two.submitted.size(), 12U);
}

TEST(CallPlanTest, NothingIsLeftInFlightAfterAFailure) {
  CallPlan plan;
  plan.lines = {{MakeCall(0, 0)}, {MakeCall(0, 0)}, {MakeCall(0, 0, "fails")}};
  NewestFirst failing;
  EXPECT_EQ(RunCalls(failing, plan, nullptr).error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(failing.submitted.size(), 3U);
  EXPECT_EQ(failing.left(), 0U);

  plan.lines[2][0].role = "refused";
  NewestFirst refusing;
  EXPECT_EQ(RunCalls(refusing, plan, nullptr).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusing.submitted.size(), 2U);
  EXPECT_EQ(refusing.left(), 0U);

  const std::atomic<bool> cancel{true};
  plan.lines.pop_back();
  NewestFirst interrupted;
  EXPECT_EQ(RunCalls(interrupted, plan, &cancel).error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(interrupted.left(), 0U);
}

}  // namespace
}  // namespace jade::bench
