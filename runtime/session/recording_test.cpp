// Runs are recorded as they go: what a killed, cancelled or failing run leaves in its store.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "runtime/engine/scripted.h"
#include "runtime/session/session.h"
#include "runtime/trace/store.h"

namespace jade::session {
namespace {

using engine::ScriptedEngine;
using engine::ScriptedReply;
using engine::ScriptedTools;
using ::testing::HasSubstr;

// AG needs both searches: when it is asked, both are on record.
constexpr std::string_view kProgram = R"(use std.rag
main workflow Solve(question: Query) -> Answer {
  let query = QR(question, question)
  let docs = R(query)
  let again = R(query)
  AG(question, if len(docs) > 0 { again } else { docs })
}
)";

class RecordingTest : public ::testing::Test {
 protected:
  RecordingTest() : tools_(engine_.schedule()) {
    const auto folder =
        std::filesystem::path(testing::TempDir()) /
        ("recording_test_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    std::filesystem::remove_all(folder);
    path_ = folder / "experience.db";
    const Loaded loaded = Program::LoadText("solve.jade", std::string(kProgram));
    EXPECT_NE(loaded.program, nullptr);
    request_.program = loaded.program;
    request_.inputs = {{"question", "who wrote Dune?"}};
    Answering("<answer>Frank Herbert</answer>");
    tools_.Set("R", [](const engine::ToolRequest&) {
      return ScriptedTools::Result{R"([{"id":"1","title":"Dune","text":"x","score":1.0,"rank":1}])", 50, std::nullopt};
    });
  }
  void Answering(std::string answer) {
    engine_.SetMatcher([answer = std::move(answer)](const engine::Request& request) {
      return ScriptedReply{request.role == "QR" ? "<query>author of Dune</query>" : answer, 100, std::nullopt};
    });
  }
  FinishedRun RunIt(trace::Store* store) {
    Session session(&engine_, {&tools_}, engine_.clock());
    request_.store = store;
    Result<RunId> run = session.Start(request_);
    EXPECT_TRUE(run.ok()) << run.error().ToString();
    session.Drain();
    return session.Take(*run);
  }
  std::unique_ptr<trace::Store> Open(trace::StoreOptions options = {}) {
    return trace::Store::Open(path_, options).value();
  }
  std::vector<trace::CallRecord> CallsOfLast(trace::RunRecord* run) {
    auto reader = trace::StoreReader::Open(path_).value();
    *run = reader->Run("last").value();
    return reader->Calls(run->id).value();
  }

  std::string path_;
  ScriptedEngine engine_;
  ScriptedTools tools_;
  RunRequest request_;
};

TEST_F(RecordingTest, ADurableStoreChangesNothingThatARunComputes) {
  const FinishedRun plain = RunIt(nullptr);
  ASSERT_TRUE(plain.value.has_value()) << plain.trap->ToString();
  for (const bool durable : {false, true}) {
    auto store = Open({.durable = durable});
    const FinishedRun finished = RunIt(store.get());
    ASSERT_TRUE(store->Flush().ok());
    EXPECT_EQ(finished.answer, plain.answer);
    EXPECT_EQ(finished.run.elapsed_us, plain.run.elapsed_us);
    trace::RunRecord run;
    const auto calls = CallsOfLast(&run);
    EXPECT_EQ(run.status, trace::RunStatus::kDone);
    EXPECT_EQ(run.value_json, "\"Frank Herbert\"");
    EXPECT_EQ(run.calls, plain.run.calls);
    ASSERT_EQ(calls.size(), plain.calls.size());
    for (size_t i = 0; i < calls.size(); ++i) {
      EXPECT_EQ(calls[i].path, plain.calls[i].path);
      EXPECT_EQ(calls[i].value_json, plain.calls[i].value_json);
      EXPECT_EQ(calls[i].shared_with, plain.calls[i].shared_with);
    }
  }
}

// The process dies inside the call that depends on those before it.
TEST_F(RecordingTest, AKilledProcessLeavesTheCallsThatItsLastCallDependsOn) {
  for (const bool durable : {false, true}) {
    const pid_t child = fork();
    if (child == 0) {
      auto store = Open({.durable = durable});
      engine_.SetMatcher([&](const engine::Request& request) {
        if (request.role == "AG") {
          if (!durable && !store->Flush().ok()) _exit(1);
          (void)raise(SIGKILL);
        }
        return ScriptedReply{"<query>author of Dune</query>", 100, std::nullopt};
      });
      RunIt(store.get());
      _exit(1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    trace::RunRecord run;
    const auto calls = CallsOfLast(&run);
    EXPECT_EQ(run.status, trace::RunStatus::kUnfinished);
    EXPECT_EQ(run.workflow, "Solve");
    ASSERT_EQ(calls.size(), 3U);
    EXPECT_EQ(calls[0].value_json, "\"author of Dune\"");
    EXPECT_EQ(calls[1].status, trace::CallStatus::kDone);
    EXPECT_EQ(calls[2].shared_with, calls[1].path);
    EXPECT_EQ(run.calls, 3);
    EXPECT_EQ(run.retrievals, 2);
  }
}

TEST_F(RecordingTest, ACancelledRunIsRecordedWithItsCalls) {
  for (const bool durable : {false, true}) {
    auto store = Open({.durable = durable});
    request_.store = store.get();
    {
      Session session(&engine_, {&tools_}, engine_.clock());
      ASSERT_TRUE(session.Start(request_).ok());
      const size_t asked = engine_.requests().size();
      while (engine_.requests().size() < asked + 2) ASSERT_TRUE(session.Pump());
    }  // ends its runs
    ASSERT_TRUE(store->Flush().ok());
    trace::RunRecord run;
    const auto calls = CallsOfLast(&run);
    EXPECT_EQ(run.status, trace::RunStatus::kCancelled);
    ASSERT_EQ(calls.size(), 4U);
    EXPECT_EQ(calls[2].status, trace::CallStatus::kDone);
    EXPECT_EQ(calls[3].status, trace::CallStatus::kCancelled);
  }
}

TEST_F(RecordingTest, ADurableRunStopsWhenItsStoreIsFull) {
  auto store = Open({.durable = true, .max_pages = 24});
  Answering("<answer>" + std::string(1'000'000, 'x') + "</answer>");
  const FinishedRun finished = RunIt(store.get());
  ASSERT_TRUE(finished.trap.has_value());
  EXPECT_THAT(finished.trap->message,
              HasSubstr("the call of `AG` could not be recorded: writing the experience store"));
  EXPECT_FALSE(store->Flush().ok());
  Session session(&engine_, {&tools_}, engine_.clock());
  EXPECT_THAT(session.Start(request_).error().ToString(), HasSubstr("disk is full"));
  trace::RunRecord run;
  EXPECT_EQ(CallsOfLast(&run).size(), 3U);
  EXPECT_EQ(run.status, trace::RunStatus::kUnfinished);
}

TEST_F(RecordingTest, AnyOtherRunGoesOnWhenItsStoreIsFull) {
  auto store = Open({.max_pages = 24});
  Answering("<answer>" + std::string(1'000'000, 'x') + "</answer>");
  EXPECT_TRUE(RunIt(store.get()).value.has_value());
  EXPECT_FALSE(store->Flush().ok());
}

}  // namespace
}  // namespace jade::session
