// What `jade run` and `jade eval` recorded is a batch afterwards.

#include "runtime/rollout/recorded_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace jade::rollout {
namespace {

using ::testing::ElementsAre;

class RecordedRunsTest : public ::testing::Test {
 protected:
  RecordedRunsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jade-recorded-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~RecordedRunsTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string Path() const { return folder_ + "/store.db"; }

  static trace::RunRecord SomeRun(const std::string& id, int64_t started) {
    trace::RunRecord run;
    run.id = id;
    run.workflow = "Solve";
    run.inputs_json = R"({"question":"who wrote Dune?"})";
    run.started_unix_us = started;
    run.value_json = R"("Frank Herbert")";
    run.gold_json = R"(["Herbert"])";
    run.reward = 0.5;
    return run;
  }
  static trace::CallRecord SomeCall(uint64_t index, const std::string& role) {
    trace::CallRecord call;
    call.index = index;
    call.path = "Solve/" + role;
    call.role = role;
    call.observation_ids = {1, 2};
    call.action_ids = {3};
    call.log_probs = {-0.5F};
    call.validity = trace::Validity::kValid;
    return call;
  }

  std::string folder_;
};

TEST_F(RecordedRunsTest, RunsAreTakenInTheOrderInWhichTheyStarted) {
  {
    auto store = trace::Store::Open(Path());
    ASSERT_TRUE(store.ok());
    trace::RunRecord failed = SomeRun("b", 200);
    failed.status = trace::RunStatus::kTrapped;
    failed.trap_json = R"({"kind":"call_failed","message":"the server is gone"})";
    failed.reward.reset();
    ASSERT_TRUE((*store)->AddRun(SomeRun("a", 100)).ok());
    ASSERT_TRUE((*store)->AddRun(failed).ok());
    trace::CallRecord remote = SomeCall(1, "DS");
    remote.observation_ids.clear();
    remote.action_ids.clear();
    remote.log_probs.clear();
    trace::CallRecord tool = SomeCall(2, "R");
    tool.kind = trace::CallKind::kTool;
    ASSERT_TRUE((*store)->AddCall("a", SomeCall(0, "QR")).ok());
    ASSERT_TRUE((*store)->AddCall("a", remote).ok());
    ASSERT_TRUE((*store)->AddCall("a", tool).ok());
    ASSERT_TRUE((*store)->AddCall("b", SomeCall(0, "AG")).ok());
    ASSERT_TRUE((*store)->Flush().ok());
  }
  auto reader = trace::StoreReader::Open(Path());
  ASSERT_TRUE(reader.ok());
  const Result<Batch> batch = BatchOfRecordedRuns(**reader, {}, -1);
  ASSERT_TRUE(batch.ok()) << batch.error().ToString();
  EXPECT_THAT(batch->roles, ElementsAre("AG", "QR"));
  ASSERT_EQ(batch->runs.size(), 2U);
  EXPECT_EQ(batch->runs[0].id, "a");
  EXPECT_EQ(batch->runs[0].answer, "Frank Herbert");
  EXPECT_EQ(batch->runs[0].reward, 0.5);
  EXPECT_EQ(batch->runs[0].accuracy, 1.0);
  EXPECT_EQ(batch->runs[0].failure, "");
  EXPECT_EQ(batch->runs[1].reward, -1);
  EXPECT_EQ(batch->runs[1].failure, "the server is gone");
  EXPECT_EQ(batch->questions[0].text, "who wrote Dune?");
  ASSERT_EQ(batch->transitions.size(), 2U);
  EXPECT_EQ(batch->transitions[0].run, 0U);
  EXPECT_EQ(batch->transitions[1].run, 1U);
  EXPECT_EQ(batch->left_out.at("DS").unfinished, 1);
  EXPECT_FALSE(batch->left_out.contains("R"));
}

}  // namespace
}  // namespace jade::rollout
