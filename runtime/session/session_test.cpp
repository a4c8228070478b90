#include "runtime/session/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "compiler/diag/render.h"
#include "runtime/engine/scripted.h"

namespace jade::session {
namespace {

using engine::ScriptedEngine;
using engine::ScriptedReply;
using engine::ScriptedTools;
using engine::ScriptOptions;
using engine::ScriptSchedule;
using ::testing::HasSubstr;

// A team in which every call takes 100 ms (a search 50), so that times show what overlapped.
class Team {
 public:
  explicit Team(std::string plan, ScriptOptions options = {})
      : engine(std::make_shared<ScriptSchedule>(options)), tools(engine.schedule()) {
    engine.SetMatcher([plan = std::move(plan)](const engine::Request& request) -> std::optional<ScriptedReply> {
      const std::string& prompt = request.messages->back().text;
      const std::string topic = prompt.substr(prompt.rfind(' ') + 1);
      auto say = [](std::string text) { return ScriptedReply{std::move(text), 100'000, std::nullopt}; };
      if (request.role == "MakePlan") return say(plan);
      if (request.role == "SubPlan") return say("<workflow>R,AG</workflow>");
      if (request.role == "QR") return say("<query>search " + topic + "</query>");
      if (request.role == "DS") return say("<id>Document0</id>");
      if (request.role == "AS") return say("<answer>all</answer>");
      if (request.role == "AG") return say("<answer>" + topic + "</answer>");
      return say("<q1>about one</q1><q2>about two</q2><q3>about three</q3>");
    });
    tools.Set("R", [](const engine::ToolRequest&) {
      return ScriptedTools::Result{R"([{"id":"1","title":"T","text":"x","score":1.0,"rank":1}])", 50'000, std::nullopt};
    });
  }

  FinishedRun Answer(RunRequest request) {
    Session session(&engine, {&tools}, engine.clock());
    if (request.inputs.empty()) request.inputs = {{"question", "a question about everything"}};
    Result<RunId> run = session.Start(request);
    EXPECT_TRUE(run.ok()) << run.error().ToString();
    session.Drain();
    return session.Take(*run);
  }

  ScriptedEngine engine;
  ScriptedTools tools;
};

class SessionTest : public ::testing::Test {
 protected:
  SessionTest() {
    Result<Loaded> loaded = Program::LoadFile(JADE_SOURCE_DIR "/workflows/jade.jade");
    EXPECT_TRUE(loaded.ok() && loaded->program != nullptr);
    request_.program = loaded->program;
  }
  RunRequest request_;
};

TEST_F(SessionTest, TurnsAreThoseOfTheMethod) {
  struct Row {
    const char* plan;
    int64_t turns;
    int64_t retrievals;
  };
  for (const Row& row : {Row{"<workflow>AG</workflow>", 1, 0}, Row{"<workflow>QR,R,DS,AG</workflow>", 1, 1},
                         Row{"<workflow>QDP</workflow>", 2, 3}, Row{"<workflow>QDS</workflow>", 4, 3}}) {
    FinishedRun finished = Team(row.plan).Answer(request_);
    ASSERT_TRUE(finished.value) << row.plan << ": " << finished.trap->ToString();
    EXPECT_EQ(finished.run.turns, row.turns) << row.plan;
    EXPECT_EQ(finished.run.retrievals, row.retrievals) << row.plan;
    EXPECT_EQ(finished.calls.front().validity, trace::Validity::kValid) << row.plan;
  }
}

TEST_F(SessionTest, ParallelDecompositionOverlapsItsSteps) {
  // Planning, splitting, then sub-planning, searching and answering of all parts at once, then summing up.
  EXPECT_EQ(Team("<workflow>QDP</workflow>").Answer(request_).run.elapsed_us, 100'000 * 2 + 250'000 + 100'000);
}

TEST_F(SessionTest, NothingDependsOnTheOrderOfReplies) {
  for (const char* plan : {"<workflow>QDP</workflow>", "<workflow>QDS</workflow>"}) {
    std::multiset<std::string> first;
    for (uint64_t seed = 0; seed < 40; ++seed) {
      Team team(plan, {ScriptOptions::Order::kShuffled, seed});
      FinishedRun finished = team.Answer(request_);
      ASSERT_EQ(finished.answer, "all");
      std::multiset<std::string> calls;
      for (const trace::CallRecord& call : finished.calls) {
        calls.insert(call.path + "|" + call.messages.back().text + "|" + call.value_json);
      }
      if (seed == 0) first = calls;
      ASSERT_EQ(calls, first) << plan << " seed " << seed;
    }
    EXPECT_GE(first.size(), 11u);
  }
}

TEST_F(SessionTest, ABadPlanIsExplainedAndPenalised) {
  FinishedRun finished = Team("<workflow>DS,R,AG</workflow>").Answer(request_);
  ASSERT_TRUE(finished.value);
  const trace::CallRecord& planner = finished.calls.front();
  EXPECT_EQ(planner.validity, trace::Validity::kInvalid);
  EXPECT_EQ(planner.penalty, 2.0);
  EXPECT_THAT(planner.diagnostics_json, HasSubstr("\"code\""));
  EXPECT_EQ(finished.run.turns, 4);  // it fell back to QDS

  finished = Team("<workflow>R,,(</workflow>").Answer(request_);
  EXPECT_EQ(finished.calls.front().validity, trace::Validity::kMalformed);
}

TEST_F(SessionTest, APlanThatUsesUpItsBudgetIsPenalisedAndReplaced) {
  request_.budget.calls = 64;
  const Loaded loaded = Program::LoadText("small.jade", R"(use std.rag
main workflow Solve(question: Query) -> Answer {
  within { calls: 6 } run MakePlan(question) on question else AG(question, [])
}
)");
  ASSERT_NE(loaded.program, nullptr) << diag::RenderText(loaded.diagnostics);
  request_.program = loaded.program;
  FinishedRun finished = Team("<workflow>QDP</workflow>").Answer(request_);
  ASSERT_TRUE(finished.value);
  EXPECT_EQ(finished.answer, "everything");
  EXPECT_EQ(finished.calls.front().validity, trace::Validity::kValid);
  EXPECT_EQ(finished.calls.front().penalty, 1.0);
}

TEST_F(SessionTest, RewardsSeeAnswerGoldAndCost) {
  request_.gold = {"all in all"};
  request_.reward = "Team";
  request_.params = {{"alpha", "0.3"}, {"beta", "0.6"}};
  FinishedRun finished = Team("<workflow>QDP</workflow>").Answer(request_);
  ASSERT_TRUE(finished.run.reward.has_value());
  EXPECT_NEAR(*finished.run.reward, 0.5 - 0.3 / 3 - 0.6, 1e-12);
}

TEST_F(SessionTest, WrongRequestsAreRefusedWithAHint) {
  Team team("");
  Session session(&team.engine, {&team.tools}, team.engine.clock());
  auto refusal = [&](const RunRequest& request) {
    Result<RunId> run = session.Start(request);
    return run.ok() ? "started" : run.error().ToString();
  };
  request_.inputs = {{"quesion", "x"}};
  EXPECT_THAT(refusal(request_), HasSubstr("has no input `quesion`; did you mean `question`?"));
  request_.inputs = {};
  EXPECT_THAT(refusal(request_), HasSubstr("needs an input `question` of type Query"));
  request_.inputs = {{"question", "x"}, {"other", "y"}};
  EXPECT_THAT(refusal(request_), HasSubstr("has no input `other`"));
  request_.inputs = {{"question", "\xff"}};
  EXPECT_THAT(refusal(request_), HasSubstr("not valid UTF-8"));
  request_.inputs = {{"question", "x"}};
  request_.workflow = "Slove";
  EXPECT_THAT(refusal(request_), HasSubstr("has no workflow `Slove`"));
  request_.workflow = "";
  request_.params = {{"alpha", "much"}};
  EXPECT_THAT(refusal(request_), HasSubstr("param `alpha`: not valid JSON"));
}

TEST_F(SessionTest, InputsLeftOutHaveTheirDefaults) {
  const Loaded loaded =
      Program::LoadText("power.jade",
                        "param times: Int = 3\n"
                        "main workflow Power(base: Int, exponent: Int = times + 1, note: Text?) -> Int {\n"
                        "  if exponent == 0 { 1 } else { base * Power(base, exponent: exponent - 1, note: note) }\n"
                        "}\n");
  ASSERT_NE(loaded.program, nullptr) << diag::RenderText(loaded.diagnostics, {});
  RunRequest request;
  request.program = loaded.program;
  const auto power = [&](std::map<std::string, std::string> inputs, std::map<std::string, std::string> params) {
    request.inputs = std::move(inputs);
    request.params = std::move(params);
    const FinishedRun finished = Team("").Answer(request);
    return finished.value ? finished.value->as_int() : -1;
  };
  EXPECT_EQ(power({{"base", "2"}}, {}), 16);
  EXPECT_EQ(power({{"base", "2"}}, {{"times", "2"}}), 8);
  EXPECT_EQ(power({{"base", "2"}, {"exponent", "2"}}, {}), 4);
}

TEST_F(SessionTest, ThePlanCacheIsBoundedAndSharesSpellings) {
  PlanCache cache(request_.program, 8);
  const ir::CalleeId planner = request_.program->module()->FindCallee("MakePlan");
  ASSERT_TRUE(planner.valid());
  call::CompiledPlan plan = cache.Compile(request_.program->module(), planner, "R,AG", 1);
  ASSERT_TRUE(plan.plan.has_value()) << plan.diagnostics_json;
  call::CompiledPlan spaced = cache.Compile(request_.program->module(), planner, " R , AG", 2);
  ASSERT_TRUE(spaced.plan.has_value());
  EXPECT_EQ(plan.canonical, spaced.canonical);
  auto module_of = [](const call::CompiledPlan& one) {
    return dynamic_cast<const interp::PlanFunction&>(*one.plan->as_plan()).module();
  };
  EXPECT_EQ(module_of(plan), module_of(spaced));
  cache.Compile(request_.program->module(), planner, "R,AG", 3);
  EXPECT_EQ(cache.hits(), 1u);
  for (int i = 0; i < 100; ++i) {
    cache.Compile(request_.program->module(), planner, "X" + std::to_string(i), 4);
    EXPECT_LE(cache.size(), 8u);
  }
}

TEST_F(SessionTest, APlanIsCompiledAndRunWithoutItsPlanner) {
  Team team("");
  Session session(&team.engine, {&team.tools}, team.engine.clock());
  const Result<PlanCheck> none = session.CompilePlan(request_.program, "MakePlna", "AG");
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().ToString(), HasSubstr("has no planner `MakePlna`; did you mean `MakePlan`?"));

  Result<PlanCheck> bad = session.CompilePlan(request_.program, "MakePlan", "DS, AG");
  ASSERT_TRUE(bad.ok());
  EXPECT_EQ(bad->plan, nullptr);
  EXPECT_TRUE(bad->parsed);
  EXPECT_THAT(bad->diagnostics_json, HasSubstr("E0503"));
  bad = session.CompilePlan(request_.program, "MakePlan", "DS,,(");
  EXPECT_FALSE(bad->parsed);

  const Result<PlanCheck> good = session.CompilePlan(request_.program, "MakePlan", "QR, R, DS, AG");
  ASSERT_TRUE(good.ok() && good->plan != nullptr);
  EXPECT_EQ(good->plan->text, "QR,R,DS,AG");
  EXPECT_EQ(good->plan->calls, 4);
  request_.plan = good->plan;
  request_.inputs = {{"question", "a question about everything"}};
  request_.gold = {"everything"};
  request_.reward = "Team";
  const Result<RunId> run = session.Start(request_);
  ASSERT_TRUE(run.ok()) << run.error().ToString();
  session.Drain();
  const FinishedRun finished = session.Take(*run);
  EXPECT_EQ(finished.answer, "everything");
  EXPECT_EQ(finished.run.workflow, "QR,R,DS,AG");
  EXPECT_EQ(finished.run.turns, 1);
  EXPECT_EQ(finished.run.reward, 1.0);
  EXPECT_EQ(finished.calls.size(), 4u);

  request_.inputs = {{"quesion", "x"}};
  EXPECT_FALSE(session.Start(request_).ok());
  request_.program = Program::LoadFile(JADE_SOURCE_DIR "/workflows/jade.jade")->program;
  EXPECT_THAT(session.Start(request_).error().ToString(), HasSubstr("another program's"));
}

TEST_F(SessionTest, RunsOfManyQuestionsShareOneSession) {
  Team team("<workflow>QDP</workflow>", {ScriptOptions::Order::kShuffled, 5});
  Session session(&team.engine, {&team.tools}, team.engine.clock());
  std::vector<RunId> runs;
  for (int i = 0; i < 200; ++i) {
    request_.inputs = {{"question", "question number " + std::to_string(i)}};
    Result<RunId> run = session.Start(request_);
    ASSERT_TRUE(run.ok());
    runs.push_back(*run);
  }
  session.Drain();
  std::set<std::string> ids;
  for (RunId run : runs) {
    FinishedRun finished = session.Take(run);
    EXPECT_EQ(finished.answer, "all");
    ids.insert(finished.run.id);
  }
  EXPECT_EQ(ids.size(), 200u);
}

}  // namespace
}  // namespace jade::session
