#include "runtime/trace/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "runtime/sqlite/sqlite.h"

namespace jade::trace {
namespace {

using testing::HasSubstr;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = std::filesystem::path(testing::TempDir()) /
                        ("store_test_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder);
    path_ = folder / "deep" / "experience.db";
  }
  std::string path_;
};

RunRecord SomeRun(const std::string& id, int64_t started) {
  RunRecord run;
  run.id = id;
  run.module_name = "workflows/jade.jade";
  run.workflow = "Solve";
  run.inputs_json = R"({"question":"who wrote Dune?"})";
  run.seed = 0xFFFF'FFFF'FFFF'FFFFULL;
  run.started_unix_us = started;
  return run;
}

CallRecord SomeCall(uint64_t index) {
  CallRecord call;
  call.index = index;
  call.path = "Solve/QR";
  for (size_t i = 0; i < call.path_hash.size(); ++i) call.path_hash[i] = static_cast<uint8_t>(250 + i);
  call.role = "QR";
  call.messages = {{"system", "Rewrite."}, {"user", "who wrote \"Dune\"?\n\xff"}};
  call.observation_ids = {1, -2, 49151};
  call.action = "<query>author of Dune</query>";
  call.action_ids = {7, 8};
  call.log_probs = {-0.25F, -1e-7F};
  call.constraint = "constraint/1 text text";
  call.constraint_states = {7, 0xFFFF'FFFF};
  call.policy = "start";
  call.truncated = true;
  call.validity = Validity::kInvalid;
  call.penalty = 2.0;
  call.diagnostics_json = "[]";
  call.shared_with = "Solve/R";
  call.timings = {10, 20, 30, 40};
  return call;
}

TEST_F(StoreTest, KeepsEveryFieldOfATransition) {
  auto store = Store::Open(path_).value();
  ASSERT_TRUE(store->AddRun(SomeRun("abc1", 5)).ok());
  ASSERT_TRUE(store->AddCall("abc1", SomeCall(0)).ok());
  RunRecord ended = SomeRun("abc1", 5);
  ended.status = RunStatus::kTrapped;
  ended.reward = -0.5;
  ended.turns = 4;
  ASSERT_TRUE(store->AddRun(ended).ok());
  ASSERT_TRUE(store->Flush().ok());

  auto reader = StoreReader::Open(path_).value();
  const RunRecord run = reader->Run("ab").value();
  EXPECT_EQ(run.seed, 0xFFFF'FFFF'FFFF'FFFFULL);
  EXPECT_EQ(run.status, RunStatus::kTrapped);
  EXPECT_EQ(run.reward, -0.5);
  EXPECT_EQ(run.turns, 4);
  const auto calls = reader->Calls(run.id).value();
  ASSERT_EQ(calls.size(), 1U);
  const CallRecord want = SomeCall(0);
  EXPECT_EQ(calls[0].path_hash, want.path_hash);
  EXPECT_EQ(calls[0].observation_ids, want.observation_ids);
  EXPECT_EQ(calls[0].action_ids, want.action_ids);
  EXPECT_EQ(calls[0].log_probs, want.log_probs);
  EXPECT_EQ(calls[0].constraint, want.constraint);
  EXPECT_EQ(calls[0].constraint_states, want.constraint_states);
  EXPECT_EQ(calls[0].policy, "start");
  EXPECT_EQ(calls[0].validity, Validity::kInvalid);
  EXPECT_EQ(calls[0].messages[0].text, "Rewrite.");
  EXPECT_THAT(calls[0].messages[1].text, HasSubstr("who wrote \"Dune\"?"));
  EXPECT_EQ(calls[0].shared_with, want.shared_with);
  EXPECT_TRUE(calls[0].truncated);
  EXPECT_EQ(calls[0].timings.finished_us, 40);
}

TEST_F(StoreTest, FindsRunsByPrefixAndByFilter) {
  auto store = Store::Open(path_).value();
  for (const char* id : {"aa1", "aa2", "b1"}) ASSERT_TRUE(store->AddRun(SomeRun(id, id[0] == 'b' ? 9 : 5)).ok());
  ASSERT_TRUE(store->Flush().ok());
  auto reader = StoreReader::Open(path_).value();
  EXPECT_EQ(reader->Run("last").value().id, "b1");
  EXPECT_EQ(reader->Run("aa2").value().id, "aa2");
  EXPECT_EQ(reader->Run("aa").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(reader->Run("zz").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(reader->Run("a%").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(reader->Runs({.limit = 2}).value().size(), 2U);
  EXPECT_EQ(reader->Runs({.workflow = "Other"}).value().size(), 0U);
  EXPECT_EQ(reader->Runs({.only_failed = true}).value().size(), 0U);
}

TEST_F(StoreTest, WhatWasAcknowledgedSurvivesAKilledProcess) {
  const pid_t child = fork();
  if (child == 0) {
    auto store = Store::Open(path_, {.durable = true}).value();
    std::promise<bool> on_disk;
    bool ok = store->AddRun(SomeRun("run", 1)).ok() && store->AddCall("run", SomeCall(0)).ok();
    ok = ok && store->AddCall("run", SomeCall(1), [&](const Status& status) { on_disk.set_value(status.ok()); }).ok();
    ok = ok && on_disk.get_future().get();
    _exit(ok ? 0 : 1);  // no destructor, no flush
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(StoreReader::Open(path_).value()->Calls("run").value().size(), 2U);
}

TEST_F(StoreTest, AnUnfinishedRunCountsItsCalls) {
  auto store = Store::Open(path_).value();
  RunRecord run = SomeRun("run", 1);
  run.status = RunStatus::kUnfinished;
  ASSERT_TRUE(store->AddRun(run).ok());
  ASSERT_TRUE(store->AddCall("run", SomeCall(0)).ok());
  CallRecord tool = SomeCall(1);
  tool.kind = CallKind::kTool;
  tool.timings.finished_us = 90;
  ASSERT_TRUE(store->AddCall("run", tool).ok());
  ASSERT_TRUE(store->Flush().ok());
  const RunRecord seen = StoreReader::Open(path_).value()->Run("run").value();
  EXPECT_EQ(seen.status, RunStatus::kUnfinished);
  EXPECT_EQ(seen.calls, 2);
  EXPECT_EQ(seen.retrievals, 1);
  EXPECT_EQ(seen.tokens, 4);
  EXPECT_EQ(seen.prompt_tokens, 6);
  EXPECT_EQ(seen.elapsed_us, 90);
}

TEST_F(StoreTest, ACallAddedAgainUpdatesItsPenalty) {
  auto store = Store::Open(path_).value();
  ASSERT_TRUE(store->AddRun(SomeRun("run", 1)).ok());
  CallRecord call = SomeCall(0);
  ASSERT_TRUE(store->AddCall("run", call).ok());
  call.penalty = 3.0;
  ASSERT_TRUE(store->AddCall("run", call).ok());
  ASSERT_TRUE(store->Flush().ok());
  const auto calls = StoreReader::Open(path_).value()->Calls("run").value();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].penalty, 3.0);
}

TEST_F(StoreTest, AFullDiskKeepsWhatWasThereAndTellsEveryoneWhoWaits) {
  ASSERT_TRUE(Store::Open(path_)->get()->Flush().ok());
  int refused = 0;
  {
    auto store = Store::Open(path_, {.max_pages = 24}).value();
    ASSERT_TRUE(store->AddRun(SomeRun("run", 1)).ok());
    ASSERT_TRUE(store->AddCall("run", SomeCall(0)).ok());
    ASSERT_TRUE(store->Flush().ok());
    CallRecord large = SomeCall(1);
    large.action.assign(1'000'000, 'x');
    ASSERT_TRUE(store->AddRun(SomeRun("never", 2)).ok());
    std::promise<Status> told;
    ASSERT_TRUE(store->AddCall("run", large, [&](const Status& status) { told.set_value(status); }).ok());
    const Status status = told.get_future().get();
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kIo);
    EXPECT_THAT(status.error().ToString(), HasSubstr("disk is full; make room on its disk"));
    EXPECT_EQ(store->Flush().error().ToString(), status.error().ToString());
    EXPECT_FALSE(store->AddCall("run", SomeCall(2), [&](const Status&) { ++refused; }).ok());
  }
  EXPECT_EQ(refused, 0);
  auto reader = StoreReader::Open(path_).value();
  EXPECT_EQ(reader->Calls("run").value().size(), 1U);
}

TEST_F(StoreTest, ManyThreadsWriteAtOnceAndReadersSeeIt) {
  auto store = Store::Open(path_).value();
  ASSERT_TRUE(store->AddRun(SomeRun("run", 1)).ok());
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < 2000; ++i) EXPECT_TRUE(store->AddCall("run", SomeCall(t * 2000 + i)).ok());
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(store->Flush().ok());
  EXPECT_EQ(StoreReader::Open(path_).value()->Calls("run").value().size(), 8000U);
}

TEST_F(StoreTest, AFailureIsReportedAndNothingMoreIsTaken) {
  auto store = Store::Open(path_).value();
  ASSERT_TRUE(store->AddCall("no such run", SomeCall(0)).ok());  // queued; the foreign key fails in the writer
  EXPECT_THAT(store->Flush().error().ToString(), HasSubstr("writing the experience store"));
  EXPECT_FALSE(store->AddRun(SomeRun("run", 1)).ok());
}

TEST_F(StoreTest, AStoreOfTheFirstVersionIsReadAndMigrated) {
  {
    auto store = Store::Open(path_).value();
    ASSERT_TRUE(store->AddRun(SomeRun("old", 1)).ok());
    ASSERT_TRUE(store->AddCall("old", SomeCall(0)).ok());
    ASSERT_TRUE(store->Flush().ok());
  }
  ASSERT_TRUE(sqlite::Database::Open(path_, sqlite::OpenMode::kReadWrite)
                  ->Execute("ALTER TABLE call DROP COLUMN decode_constraint; ALTER TABLE call DROP COLUMN "
                            "constraint_states; ALTER TABLE call DROP COLUMN policy; PRAGMA user_version = 1")
                  .ok());
  auto calls = StoreReader::Open(path_).value()->Calls("old").value();
  ASSERT_EQ(calls.size(), 1U);
  EXPECT_EQ(calls[0].action_ids, SomeCall(0).action_ids);
  EXPECT_EQ(calls[0].constraint, "");
  EXPECT_EQ(calls[0].policy, "");
  auto store = Store::Open(path_).value();
  ASSERT_TRUE(store->AddCall("old", SomeCall(1)).ok());
  ASSERT_TRUE(store->Flush().ok());
  calls = StoreReader::Open(path_).value()->Calls("old").value();
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].constraint_states.size(), 0U);
  EXPECT_EQ(calls[1].constraint_states, SomeCall(1).constraint_states);
  EXPECT_EQ(calls[1].policy, SomeCall(1).policy);
}

TEST_F(StoreTest, RefusesOtherFilesAndNewerVersions) {
  ASSERT_TRUE(Store::Open(path_)->get()->Flush().ok());
  ASSERT_TRUE(sqlite::Database::Open(path_, sqlite::OpenMode::kReadWrite)->Execute("PRAGMA user_version = 99").ok());
  EXPECT_EQ(Store::Open(path_).error().code(), ErrorCode::kVersion);
  EXPECT_THAT(StoreReader::Open(path_).error().message(), HasSubstr("written by a newer JADE (schema 99"));
  std::filesystem::remove(path_);
  std::ofstream(path_) << std::string(4096, 'x');
  EXPECT_EQ(Store::Open(path_).error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(StoreReader::Open(path_ + ".none").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(Store::Open("/proc/none/x.db").error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace jade::trace
