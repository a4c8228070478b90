#include "bench/engine/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "runtime/trace/store.h"

namespace jade::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

trace::CallRecord Recorded(int64_t issued_us, int64_t finished_us, size_t tokens = 4) {
  trace::CallRecord call;
  call.role = "QR";
  call.messages = {{"system", "rewrite"}, {"user", "who?"}, {"prefill", "<"}};
  call.action_ids.assign(tokens, 7);
  call.log_probs.assign(tokens, -1.0F);
  call.timings.issued_us = issued_us;
  call.timings.finished_us = finished_us;
  return call;
}

RecordedRun RunOf(int64_t started, int64_t elapsed, std::vector<trace::CallRecord> calls) {
  RecordedRun recorded;
  recorded.run.started_unix_us = started;
  recorded.run.elapsed_us = elapsed;
  recorded.calls = std::move(calls);
  return recorded;
}

std::vector<size_t> Waits(const std::vector<PlannedCall>& line) {
  std::vector<size_t> waits;
  for (const PlannedCall& call : line) waits.push_back(call.waits_for);
  return waits;
}

std::vector<size_t> Ranks(const std::vector<PlannedCall>& line) {
  std::vector<size_t> ranks;
  for (const PlannedCall& call : line) ranks.push_back(call.rank);
  return ranks;
}

TEST(ReplayTest, ACallWaitsForWhatHadEndedBeforeIt) {
  // Two at once, of which the second ends first; one after that, and one after all.
  const CallPlan plan =
      PlanReplay({RunOf(0, 100, {Recorded(0, 30), Recorded(0, 10), Recorded(12, 20), Recorded(30, 40)})});
  ASSERT_EQ(plan.lines.size(), 1U);
  EXPECT_THAT(Ranks(plan.lines[0]), ElementsAre(2, 0, 1, 3));
  EXPECT_THAT(Waits(plan.lines[0]), ElementsAre(0, 0, 1, 3));
  const PlannedCall& call = plan.lines[0][0];
  EXPECT_EQ(call.reply_tokens, 4);
  EXPECT_EQ(call.role, "QR");
  ASSERT_EQ(call.messages->size(), 3U);
  EXPECT_EQ((*call.messages)[0].role, engine::MessageRole::kSystem);
  EXPECT_EQ((*call.messages)[2].role, engine::MessageRole::kPrefill);
  EXPECT_EQ((*call.messages)[1].text, "who?");
}

// What a call waits for lies before it, whatever the times claim: a replay always comes to its end.
TEST(ReplayTest, WrongTimesMakeNoCycle) {
  const CallPlan plan =
      PlanReplay({RunOf(0, -5, {Recorded(5, 5), Recorded(5, 5), Recorded(9, 1), Recorded(9, 9), Recorded(7, -3)})});
  ASSERT_EQ(plan.lines.size(), 1U);
  const std::vector<PlannedCall>& line = plan.lines[0];
  ASSERT_EQ(line.size(), 5U);
  for (size_t i = 0; i < line.size(); ++i) {
    EXPECT_LE(line[i].waits_for, i);
    for (size_t j = i; j < line.size(); ++j) EXPECT_GE(line[j].rank, line[i].waits_for);
  }
  EXPECT_EQ(line[4].waits_for, 4U);
}

TEST(ReplayTest, LeavesOutWhatNoModelAnswered) {
  trace::CallRecord tool = Recorded(0, 10);
  tool.kind = trace::CallKind::kTool;
  trace::CallRecord cancelled = Recorded(0, 10);
  cancelled.status = trace::CallStatus::kCancelled;
  const CallPlan plan =
      PlanReplay({RunOf(0, 10, {tool, cancelled, Recorded(20, 30, 0)}), RunOf(5, 10, {Recorded(1, 2)})});
  EXPECT_EQ(plan.lines.size(), 1U);
  EXPECT_EQ(plan.size(), 1);
}

TEST(ReplayTest, AsManyRunsAtOnceAsWereRecorded) {
  const std::vector<trace::CallRecord> calls{Recorded(0, 5)};
  const CallPlan plan = PlanReplay({RunOf(20, 10, calls), RunOf(0, 10, calls), RunOf(5, 15, calls)});
  EXPECT_EQ(plan.lines.size(), 3U);
  EXPECT_EQ(plan.lines_at_once, 2U) << "one that ends makes room for the next";
}

TEST(ReplayTest, ReadsAStore) {
  const std::string folder = testing::TempDir() + "jade_replay_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::string path = folder + "/traces.db";
  {
    auto store = trace::Store::Open(path);
    ASSERT_TRUE(store.ok()) << store.error().ToString();
    trace::RunRecord run;
    run.id = "0000000000001";
    ASSERT_TRUE((*store)->AddRun(run).ok());
    ASSERT_TRUE((*store)->Flush().ok());
    EXPECT_THAT(ReadReplay(path).error().ToString(), HasSubstr("no call of a model"));
    ASSERT_TRUE((*store)->AddCall(run.id, Recorded(3, 9)).ok());
    ASSERT_TRUE((*store)->Flush().ok());
  }
  const auto plan = ReadReplay(path);
  ASSERT_TRUE(plan.ok()) << plan.error().ToString();
  ASSERT_EQ(plan->size(), 1);
  EXPECT_EQ(plan->lines[0][0].reply_tokens, 4);
  EXPECT_EQ(plan->lines_at_once, 1U);
  EXPECT_EQ(plan->lines[0][0].messages->size(), 3U);
  EXPECT_FALSE(ReadReplay(folder + "/none.db").ok());
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace jade::bench
