#include "runtime/schedule/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "compiler/ir/reader.h"
#include "runtime/engine/scripted.h"

namespace jade::schedule {
namespace {

using abi::Value;
using engine::ScriptedEngine;
using engine::ScriptedReply;
using engine::ScriptedTools;
using engine::ScriptOptions;
using engine::ScriptSchedule;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Split a question; answer the parts in parallel, each by a search and a reading of its own; join the answers one after
// the other.
constexpr std::string_view kProgram = R"JIR(jir 1
main Solve

executor Split(question: Text) -> [Text] {
  user Split.user
  format numbered q Text max 9
  malformed Split.malformed
  penalty 2.0
}

executor Read(question: Text, found: [Text]) -> Text {
  user Read.user
  format tag answer Text
  check Read.check
  malformed Read.malformed
  penalty 2.0
  max_tokens 16
}

tool R(query: Text) -> [Text] {
  retry 1
  timeout_us 1000
}

template Split.user(%0: Text question) -> Never {
  emit.text "Split "
  emit(%0)
  yield
}

template Read.user(%0: Text question, %1: [Text] found) -> Never {
  emit.text "Read "
  emit(%0)
  emit.for(%1) { (%2: Text, %3: Int)
    emit.text "; "
    emit(%2)
    yield
  }
  yield
}

fallback Split.malformed(%0: Text question, %1: Text raw) -> [Text] {
  %2: [Text] = list(%0)
  yield(%2)
}

fallback Read.malformed(%0: Text question, %1: [Text] found, %2: Text raw) -> Text {
  yield(%2)
}

check Read.check(%0: Text question, %1: [Text] found, %2: Text result, %3: Text raw) -> Bool {
  %4: Bool = ne(%2, %0)
  yield(%4)
}

workflow Part(%0: Text question) -> Text {
  %1: future [Text] = issue R(%0) @R
  %2: [Text] = await(%1)
  %3: future Text = issue Read(%0, %2) @Read
  %4: Text = await(%3)
  yield(%4)
}

workflow Solve(%0: Text question) -> Text {
  %1: future [Text] = issue Split(%0) @Split
  %2: [Text] = await(%1)
  %3: [Text] = each(%2) { (%4: Text, %5: Int)
    %6: Text = call Part(%4) @Part
    yield(%6)
  }
  %7: Text = const.text ""
  %8: Text = fold(%3, %7) { (%9: Text, %10: Text, %11: Int)
    %12: [Text] = list(%9)
    %13: future Text = issue Read(%10, %12) @Read
    %14: Text = await(%13)
    yield(%14)
  }
  yield(%8)
}

workflow Race(%0: Text question) -> [Int] {
  %1: Float = const.float 0.0001
  %2: Float = const.float 1.0
  %3: [Float] = list(%1, %2)
  %4: [Int] = each(%3) { (%5: Float, %6: Int)
    %7: Int = within seconds(%5) {
      %8: future [Text] = issue R(%0) @R
      %9: [Text] = await(%8)
      %10: Int = builtin len(%9)
      yield(%10)
    } {
      %11: Int = const.int 0
      yield(%11)
    }
    yield(%7)
  }
  yield(%4)
}

workflow Limited(%0: Text question, %1: Int calls) -> Text {
  %2: Text = within calls(%1) {
    %3: Text = call Solve(%0) @Solve
    yield(%3)
  } {
    %4: Text = const.text "gave up"
    yield(%4)
  }
  yield(%2)
}
)JIR";

std::optional<ScriptedReply> Answer(const engine::Request& request) {
  const std::string& text = request.messages->back().text;
  if (request.role == "Split") return ScriptedReply{"<q1>a</q1><q2>b</q2><q3>c</q3>", 100};
  return ScriptedReply{"<answer>[" + text.substr(5) + "]</answer>", 100};
}

class SchedulerTest : public ::testing::Test {
 protected:
  void Prepare(ScriptOptions options = {}) {
    auto module = ir::Read(kProgram);
    ASSERT_TRUE(module.ok()) << module.error().ToString();
    module_ = *module;
    auto schedule = std::make_shared<ScriptSchedule>(options);
    engine_ = std::make_unique<ScriptedEngine>(schedule);
    engine_->SetMatcher(Answer);
    tools_ = std::make_unique<ScriptedTools>(schedule);
    tools_->Set("R", [](const engine::ToolRequest& request) {
      return ScriptedTools::Result{"[" + request.arguments.substr(9, request.arguments.size() - 10) + "]", 50, {}};
    });
    scheduler_ =
        std::make_unique<Scheduler>(engine_.get(), std::vector<engine::ToolProvider*>{tools_.get()}, engine_->clock());
  }
  RunSpec Spec(const char* workflow, std::vector<Value> more = {}) {
    RunSpec spec;
    spec.setup = std::make_shared<RunSetup>(RunSetup{.module = module_});
    spec.entry = module_->FindFunction(workflow);
    spec.arguments = {Value::Text("why")};
    for (Value& value : more) spec.arguments.push_back(std::move(value));
    spec.seed = 7;
    return spec;
  }
  RunResult RunOne(RunSpec spec) {
    const RunId id = scheduler_->Start(std::move(spec));
    scheduler_->Drain();
    return scheduler_->Take(id);
  }
  static std::multiset<std::string> CallsOf(const RunResult& result) {
    std::multiset<std::string> calls;
    for (const trace::CallRecord& call : result.calls) {
      calls.insert(call.path + " " + call.messages.back().text + " -> " + call.value_json);
    }
    return calls;
  }

  ir::ModulePtr module_;
  std::unique_ptr<ScriptedEngine> engine_;
  std::unique_ptr<ScriptedTools> tools_;
  std::unique_ptr<Scheduler> scheduler_;
};

TEST_F(SchedulerTest, RunsAndCounts) {
  Prepare();
  RunResult result = RunOne(Spec("Solve"));
  ASSERT_EQ(result.status, trace::RunStatus::kDone) << result.trap->ToString();
  EXPECT_EQ(result.value.as_text(), "[[c; c]; [[b; b]; [[a; a]; ]]]");
  EXPECT_EQ(result.call_count, 10);
  EXPECT_EQ(result.retrievals, 3);
  EXPECT_EQ(result.turns, 1 + 1 + 3);  // Split; the parts at once; three readings one after the other
  EXPECT_EQ(result.depth, 1);
  EXPECT_EQ(engine_->max_in_flight(), 3u);
  // Split 100, then search 50 and reading 100 of the three parts at once, then three readings in turn.
  EXPECT_EQ(result.elapsed_us, 100 + 150 + 300);
}

TEST_F(SchedulerTest, PathsNameLoopsAndFrames) {
  Prepare();
  RunResult result = RunOne(Spec("Solve"));
  std::set<std::string> paths;
  std::set<trace::PathHash> hashes;
  for (const trace::CallRecord& call : result.calls) {
    paths.insert(call.path);
    hashes.insert(call.path_hash);
  }
  EXPECT_THAT(paths, ElementsAre("Solve/Part[0]/R", "Solve/Part[0]/Read", "Solve/Part[1]/R", "Solve/Part[1]/Read",
                                 "Solve/Part[2]/R", "Solve/Part[2]/Read", "Solve/Read[0]", "Solve/Read[1]",
                                 "Solve/Read[2]", "Solve/Split"));
  EXPECT_EQ(hashes.size(), 10u);
}

TEST_F(SchedulerTest, ValuesCallsAndStreamsDoNotDependOnTheOrderOfReplies) {
  Prepare();
  const RunResult first = RunOne(Spec("Solve"));
  std::map<std::string, engine::StreamKey> streams;
  for (const engine::Request& request : engine_->requests()) {
    streams[request.messages->back().text] = request.sampling.stream;
  }
  std::set<std::vector<std::string>> orders;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Prepare({ScriptOptions::Order::kShuffled, seed});
    const RunResult again = RunOne(Spec("Solve"));
    ASSERT_EQ(again.value, first.value) << seed;
    ASSERT_EQ(CallsOf(again), CallsOf(first)) << seed;
    ASSERT_EQ(again.turns, first.turns);
    for (const engine::Request& request : engine_->requests()) {
      ASSERT_EQ(streams.at(request.messages->back().text), request.sampling.stream);
    }
    std::vector<std::string> order;
    for (const trace::CallRecord& call : again.calls) order.push_back(call.path);
    orders.insert(order);
  }
  EXPECT_GT(orders.size(), 5u) << "the replies were not shuffled";
}

TEST_F(SchedulerTest, AThousandRunsAtOnceAreEachAsOneAlone) {
  Prepare({ScriptOptions::Order::kShuffled, 3});
  std::vector<RunId> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(scheduler_->Start(Spec("Solve")));
  scheduler_->Drain();
  EXPECT_GT(engine_->max_in_flight(), 500u);
  for (RunId id : ids) EXPECT_EQ(scheduler_->Take(id).value.as_text(), "[[c; c]; [[b; b]; [[a; a]; ]]]");
  EXPECT_EQ(scheduler_->calls_in_flight(), 0u);
}

TEST_F(SchedulerTest, AScopesCallsAreBounded) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Prepare({ScriptOptions::Order::kShuffled, seed});
    EXPECT_EQ(RunOne(Spec("Limited", {Value::Int(10)})).value.as_text(), "[[c; c]; [[b; b]; [[a; a]; ]]]");
    for (int64_t calls : {0, 1, 5, 9}) {
      Prepare({ScriptOptions::Order::kShuffled, seed});
      RunResult result = RunOne(Spec("Limited", {Value::Int(calls)}));
      EXPECT_EQ(result.value.as_text(), "gave up");
      EXPECT_LE(result.call_count, calls);
    }
  }
}

TEST_F(SchedulerTest, TheRunsOwnBudgetIsNotCaughtInside) {
  Prepare();
  RunSpec spec = Spec("Limited", {Value::Int(100)});
  spec.budget.calls = 5;
  RunResult result = RunOne(std::move(spec));
  ASSERT_EQ(result.status, trace::RunStatus::kTrapped);
  EXPECT_EQ(result.trap->kind, abi::TrapKind::kCallBudget);
  EXPECT_EQ(result.trap->message, "the budget of 5 calls is used up");

  Prepare();
  spec = Spec("Limited", {Value::Int(100)});
  spec.budget.tokens = 3;
  EXPECT_EQ(RunOne(std::move(spec)).trap->kind, abi::TrapKind::kTokenBudget);

  Prepare();
  spec = Spec("Limited", {Value::Int(100)});
  spec.budget.seconds = 0.0002;
  result = RunOne(std::move(spec));
  EXPECT_EQ(result.trap->kind, abi::TrapKind::kTimeBudget);
  EXPECT_EQ(scheduler_->calls_in_flight(), 0u);

  Prepare();
  spec = Spec("Limited", {Value::Int(100)});
  spec.budget.depth = 1;
  EXPECT_EQ(RunOne(std::move(spec)).trap->kind, abi::TrapKind::kDepthBudget);
}

TEST_F(SchedulerTest, AFailedCallTrapsWithItsPlaceAndTheLeastItemsWins) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Prepare({ScriptOptions::Order::kShuffled, seed});
    engine_->SetMatcher([](const engine::Request& request) -> std::optional<ScriptedReply> {
      const std::string& text = request.messages->back().text;
      if (text.starts_with("Read b") || text.starts_with("Read c")) {
        return ScriptedReply{"", 0, Error(ErrorCode::kUnavailable, "no " + text.substr(5, 1))};
      }
      return Answer(request);
    });
    RunResult result = RunOne(Spec("Solve"));
    ASSERT_EQ(result.status, trace::RunStatus::kTrapped);
    EXPECT_EQ(result.trap->message, "the call of `Read` failed: no b");
    EXPECT_EQ(result.trap->call_path, "Solve/Part[1]");
    EXPECT_EQ(scheduler_->calls_in_flight(), 0u);
  }
}

TEST_F(SchedulerTest, MalformedAndInvalidOutputsCostAPenaltyAndGoOn) {
  Prepare();
  engine_->SetMatcher([](const engine::Request& request) -> std::optional<ScriptedReply> {
    const std::string& text = request.messages->back().text;
    if (request.role == "Split") return ScriptedReply{"no tags"};
    if (text == "Read why; why") return ScriptedReply{"<answer>why</answer>"};
    return ScriptedReply{"plain words"};
  });
  RunResult result = RunOne(Spec("Solve"));
  ASSERT_EQ(result.status, trace::RunStatus::kDone) << result.trap->ToString();
  EXPECT_EQ(result.value.as_text(), "plain words");
  ASSERT_EQ(result.calls.size(), 4u);
  EXPECT_EQ(result.calls[0].validity, trace::Validity::kMalformed);
  EXPECT_EQ(result.calls[0].penalty, 2.0);
  EXPECT_EQ(result.calls[0].value_json, R"(["why"])");
  EXPECT_EQ(result.calls[1].validity, trace::Validity::kNotChecked);
  EXPECT_EQ(result.calls[2].validity, trace::Validity::kInvalid);
  EXPECT_EQ(result.calls[2].value_json, R"("why")");
  EXPECT_EQ(result.calls[3].validity, trace::Validity::kMalformed);
}

TEST_F(SchedulerTest, ToolsAreTriedAgainAndTimeOut) {
  Prepare();
  tools_->Add("R", {"", 10, Error(ErrorCode::kUnavailable, "down")});
  RunResult result = RunOne(Spec("Solve"));
  EXPECT_EQ(result.value.as_text(), "[[c; c]; [[b; b]; [[a; a]; ]]]");
  EXPECT_EQ(tools_->requests().size(), 4u);

  Prepare();
  tools_->Set("R", [](const engine::ToolRequest&) { return ScriptedTools::Result{"[]", 100'000'000, {}}; });
  result = RunOne(Spec("Solve"));
  ASSERT_EQ(result.status, trace::RunStatus::kTrapped);
  EXPECT_EQ(result.trap->message, "the call of `R` failed: no answer in time (after 2 attempts)");
  EXPECT_EQ(scheduler_->calls_in_flight(), 0u);

  Prepare();
  tools_->Set("R", [](const engine::ToolRequest&) { return ScriptedTools::Result{"[1]", 0, {}}; });
  EXPECT_THAT(RunOne(Spec("Solve")).trap->message,
              HasSubstr("its result is not of the declared type: [0]: expected a string, got a number"));
}

TEST_F(SchedulerTest, EqualToolCallsShareOneExecution) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    Prepare({seed == 0 ? ScriptOptions::Order::kDelay : ScriptOptions::Order::kShuffled, seed});
    engine_->SetMatcher([](const engine::Request& request) -> std::optional<ScriptedReply> {
      if (request.role == "Split") return ScriptedReply{"<q1>a</q1><q2>b</q2><q3>a</q3>", 100};
      return Answer(request);
    });
    RunResult result = RunOne(Spec("Solve"));
    EXPECT_EQ(result.value.as_text(), "[[a; a]; [[b; b]; [[a; a]; ]]]");
    EXPECT_EQ(result.call_count, 10);
    EXPECT_EQ(result.retrievals, 3);
    EXPECT_EQ(tools_->requests().size(), 2u);
    std::vector<std::string> shared;
    for (const trace::CallRecord& call : result.calls) {
      if (!call.shared_with) continue;
      shared.push_back(call.path + " = " + *call.shared_with);
      EXPECT_EQ(call.action, "[\"a\"]");
      EXPECT_EQ(call.value_json, "[\"a\"]");
      EXPECT_EQ(call.status, trace::CallStatus::kDone);
    }
    EXPECT_THAT(shared, ElementsAre("Solve/Part[2]/R = Solve/Part[0]/R"));
  }
}

TEST_F(SchedulerTest, RunsShareNoToolCallsWithEachOther) {
  Prepare();
  const RunId first = scheduler_->Start(Spec("Solve"));
  const RunId second = scheduler_->Start(Spec("Solve"));
  scheduler_->Drain();
  EXPECT_EQ(scheduler_->Take(first).retrievals, 3);
  EXPECT_EQ(scheduler_->Take(second).retrievals, 3);
  EXPECT_EQ(tools_->requests().size(), 6u);
}

TEST_F(SchedulerTest, WhoSharesAFailedToolCallFailsWithIt) {
  Prepare();
  engine_->SetMatcher([](const engine::Request&) { return ScriptedReply{"<q1>a</q1><q2>a</q2>", 0, std::nullopt}; });
  tools_->Set("R", [](const engine::ToolRequest&) {
    return ScriptedTools::Result{"", 10, Error(ErrorCode::kUnavailable, "down")};
  });
  RunResult result = RunOne(Spec("Solve"));
  ASSERT_EQ(result.status, trace::RunStatus::kTrapped);
  EXPECT_EQ(result.trap->message, "the call of `R` failed: down (after 2 attempts)");
  EXPECT_EQ(result.trap->call_path, "Solve/Part[0]");
  EXPECT_EQ(tools_->requests().size(), 2u);
}

TEST_F(SchedulerTest, ASharedToolCallOutlivesTheOneThatBeganIt) {
  Prepare();
  tools_->Set("R", [](const engine::ToolRequest&) { return ScriptedTools::Result{R"(["found"])", 500, {}}; });
  RunSpec spec = Spec("Race");
  RunResult result = RunOne(std::move(spec));
  ASSERT_EQ(result.status, trace::RunStatus::kDone) << result.trap->ToString();
  EXPECT_EQ(result.value, Value::List({Value::Int(0), Value::Int(1)}));
  EXPECT_EQ(tools_->requests().size(), 2u);
  EXPECT_EQ(result.retrievals, 2);
  EXPECT_EQ(result.elapsed_us, 100 + 500);
  EXPECT_EQ(result.calls[0].status, trace::CallStatus::kCancelled);
  EXPECT_EQ(result.calls[1].status, trace::CallStatus::kDone);
  EXPECT_EQ(result.calls[1].shared_with, std::nullopt);
}

TEST_F(SchedulerTest, CancellingStopsEverything) {
  Prepare();
  const RunId id = scheduler_->Start(Spec("Solve"));
  while (scheduler_->calls_in_flight() < 3) ASSERT_TRUE(scheduler_->Pump());
  scheduler_->Cancel(id);
  EXPECT_FALSE(scheduler_->Pump());
  RunResult result = scheduler_->Take(id);
  EXPECT_EQ(result.status, trace::RunStatus::kCancelled);
  EXPECT_EQ(scheduler_->calls_in_flight(), 0u);
  EXPECT_EQ(std::count_if(result.calls.begin(), result.calls.end(),
                          [](const auto& call) { return call.status == trace::CallStatus::kCancelled; }),
            3);

  const std::atomic<bool> interrupt = true;
  scheduler_->Start(Spec("Solve"));
  scheduler_->Drain(&interrupt);
  EXPECT_EQ(scheduler_->active_count(), 0u);
}

TEST_F(SchedulerTest, SettingsOfTheRoleComeBeforeTheFile) {
  Prepare();
  auto settings = std::make_shared<RoleSettings>();
  settings->defaults.temperature = 0.5;
  settings->defaults.max_tokens = 99;
  settings->roles["Read"].top_k = 5;
  settings->policies["Read"] = "frozen";
  RunSpec spec = Spec("Solve");
  spec.setup = std::make_shared<RunSetup>(RunSetup{.module = module_, .settings = settings});
  RunOne(std::move(spec));
  const engine::Request& split = engine_->requests().front();
  EXPECT_EQ(split.sampling.temperature, 0.5);
  EXPECT_EQ(split.sampling.max_tokens, 99);
  EXPECT_EQ(split.policy, "");
  const engine::Request& read = engine_->requests().back();
  EXPECT_EQ(read.sampling.max_tokens, 16);
  EXPECT_EQ(read.sampling.top_k, 5);
  EXPECT_EQ(read.policy, "frozen");
}

TEST_F(SchedulerTest, RolesWithoutAPolicyTakeThatOfAll) {
  Prepare();
  auto settings = std::make_shared<RoleSettings>();
  settings->policy = "start";
  settings->policies["Read"] = "";
  RunSpec spec = Spec("Solve");
  spec.setup = std::make_shared<RunSetup>(RunSetup{.module = module_, .settings = settings});
  const RunResult result = RunOne(std::move(spec));
  EXPECT_EQ(engine_->requests().front().policy, "start");
  EXPECT_EQ(engine_->requests().back().policy, "");
  for (const trace::CallRecord& call : result.calls) {
    EXPECT_EQ(call.policy, call.kind == trace::CallKind::kTool || call.role == "Read" ? "" : "start") << call.role;
  }
}

}  // namespace
}  // namespace jade::schedule
