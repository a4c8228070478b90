#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "runtime/replay/dataflow_tracer.h"
#include "runtime/replay/recorded_fixture.h"

namespace jade::replay {
namespace {

using engine::Request;
using engine::ScriptedReply;
using session::FinishedRun;
using session::RunRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kRoles = R"(use std.rag
executor Say(topic: Text) -> Text { user "Say {topic}" emits text }
executor Yes(topic: Text) -> Text { user "Yes or no {topic}" emits text }
executor Both(one: Text, two: Text) -> Text { user "Both {one} and {two}" emits text }
executor Split(topic: Text) -> [Text] { user "Split {topic}" emits <part#> [Text] malformed [topic] }
)";

std::string Names(const std::vector<uint32_t>& calls, const std::vector<trace::CallRecord>& records) {
  std::set<std::string> names;
  for (const uint32_t call : calls) names.insert(records[call].path.substr(records[call].path.find('/') + 1));
  std::string text;
  for (const std::string& name : names) text += " " + name;
  return text;
}

// A line for each call, by path, and one for the value: "Say <- Split | MakePlan", data before control.
std::string Shown(const DataFlow& flow, const std::vector<trace::CallRecord>& records) {
  std::map<std::string, std::string> lines;
  auto show = [&](const Uses& uses) {
    return " <-" + Names(uses.data, records) + (uses.control.empty() ? "" : " |" + Names(uses.control, records)) + "\n";
  };
  for (uint32_t i = 0; i < flow.calls.size(); ++i) {
    const std::string name = Names({i}, records).substr(1);
    lines[name] = name + show(flow.calls[i]);
  }
  std::string text;
  for (const auto& [unused, line] : lines) text += line;
  return text + "=" + show(flow.value);
}

class DataFlowTest : public ::testing::Test {
 protected:
  DataFlowTest() {
    team_.Says([](const Request& request) {
      const std::string topic = TopicOf(request);
      if (request.role == "Split") return "<part1>" + topic + "1</part1><part2>" + topic + "2</part2>";
      if (request.role == "Yes") return std::string(topic.ends_with("2") ? "no" : "yes");
      return topic + "!";
    });
  }
  // The flow of a run of `main`, whose text goes into the roles above.
  std::string FlowOf(const std::string& main) {
    request_.program = LoadedText(std::string(kRoles) + main);
    if (request_.program == nullptr) return "";
    request_.inputs = {{"q", "dune"}};
    finished_ = team_.Answer(request_);
    return Traced();
  }
  std::string Traced() {
    const Result<DataFlow> flow = tracer_.Trace(request_, finished_.calls);
    EXPECT_TRUE(flow.ok()) << flow.error().ToString();
    if (!flow.ok()) return "";
    EXPECT_THAT(flow->unreached, ElementsAre());
    return Shown(*flow, finished_.calls);
  }

  Team team_;
  RunRequest request_;
  FinishedRun finished_;
  DataFlowTracer tracer_;
};

TEST_F(DataFlowTest, AValueIsOfTheCallsItWasComputedFrom) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    let a = Say(q)
    let b = Say("about {a}")
    Both("{a} {b}", q) })"),
            "Both <- Say Say#1\nSay <-\nSay#1 <- Say\n= <- Both\n");
}

TEST_F(DataFlowTest, ItemsAndFieldsAreFollowedByThemselves) {
  EXPECT_EQ(
      FlowOf(R"(record Pair { left: Text  right: Text }
main workflow Solve(q: Text) -> Text {
    let said = [Say@a(q), Say@b(q)]
    let pair = Pair(Say@c(q), Say@d(q))
    let both = Both@x(said[1], pair.left)
    let again = each s in said { Say@e(s) }
    Both@y(again[0], "{len(said)} {both}") })"),
      "Both@x <- Say@b Say@c\nBoth@y <- Both@x Say@e[0]\nSay@a <-\nSay@b <-\nSay@c <-\nSay@d <-\nSay@e[0] <- Say@a\n"
      "Say@e[1] <- Say@b\n= <- Both@y\n");
}

TEST_F(DataFlowTest, WhatAListIsGoneThroughForDependsOnItsLength) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    let said = each part in Split(q) { Say(q) }
    join(said, " ") })"),
            "Say[0] <- | Split\nSay[1] <- | Split\nSplit <-\n= <- Say[0] Say[1] | Split\n");
}

TEST_F(DataFlowTest, ALoopCarriesItsState) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    fold part in Split(q) with said: Text = "" { Both(said, part) } })"),
            "Both[0] <- Split\nBoth[1] <- Both[0] Split\nSplit <-\n= <- Both[1] | Split\n");
}

TEST_F(DataFlowTest, AConditionDecidesWhatIsInItsArms) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    let taken = if Yes(q) == "yes" { Say@yes(q) } else { Say@no(q) }
    Both(taken, q) })"),
            "Both <- Say@yes | Yes\nSay@yes <- | Yes\nYes <-\n= <- Both\n");
}

TEST_F(DataFlowTest, AFilterDecidesWhatIsDoneForItsItem) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    let kept = [Say(part) for part in Split(q) if Yes(part) == "yes"]
    "{len(kept)}" })"),
            "Say[0] <- Split | Yes[0]\nSplit <-\nYes[0] <- Split\nYes[1] <- Split\n= <- | Split Yes[0] Yes[1]\n");
}

TEST_F(DataFlowTest, RoundsHangOnTheOnesBefore) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    repeat up to 3 with said: Text = q {
      let next = Say(said)
      let more = Yes(next)
      next
      until more == "no"
    } })"),
            "Say[0] <-\nSay[1] <- Say[0] | Yes[0]\nSay[2] <- Say[1] | Yes[0] Yes[1]\nYes[0] <- Say[0]\n"
            "Yes[1] <- Say[1] | Yes[0]\nYes[2] <- Say[2] | Yes[0] Yes[1]\n= <- Say[2] | Yes[0] Yes[1] Yes[2]\n");
}

TEST_F(DataFlowTest, WhatCatchesATrapHangsOnTheCallThatFailed) {
  team_.engine.SetMatcher([](const Request& request) -> std::optional<ScriptedReply> {
    if (request.role == "Yes") return ScriptedReply{"", 100, Error(ErrorCode::kUnavailable, "no model")};
    return ScriptedReply{"x", 100, std::nullopt};
  });
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    let a = Say@before(q)
    within { calls: 9 } { Yes(a) } else { Say@after(q) } })"),
            "Say@after <- | Yes\nSay@before <-\nYes <- Say@before\n= <- Say@after | Yes\n");
}

TEST_F(DataFlowTest, AToolIsACallLikeOthers) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Answer {
    let found = R(Query(Say(q)))
    AG(Query(q), DS(Query(q), found)) })"),
            "AG <- DS\nDS <- R\nR <- Say\nSay <-\n= <- AG\n");
}

TEST_F(DataFlowTest, AToolThatFailsIsCaught) {
  team_.tools.Set("R", [](const engine::ToolRequest&) {
    return engine::ScriptedTools::Result{"", 10, Error(ErrorCode::kUnavailable, "no index")};
  });
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    within { calls: 9 } {
      let found = R(Query(q))
      "{len(found)}"
    } else Say(q) })"),
            "R <-\nSay <- | R\n= <- Say | R\n");
}

TEST_F(DataFlowTest, ARunThatTrapsEndsByTheCallsThatTrapped) {
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    let parts = Split(q)
    let far = Say(parts[1])
    parts[len(parts)] })"),
            "Say <- Split\nSplit <-\n= <- Split\n");
  ASSERT_TRUE(finished_.trap.has_value());
}

TEST_F(DataFlowTest, ABudgetOfTimeEndsWhereItDid) {
  team_.engine.SetMatcher([](const Request& request) -> std::optional<ScriptedReply> {
    return ScriptedReply{"x", request.role == "Yes" ? 3'000'000 : 100, std::nullopt};
  });
  EXPECT_EQ(FlowOf(R"(main workflow Solve(q: Text) -> Text {
    within { seconds: 1 } {
      let said = Say@one(q)
      let both = Both(Say@two(q), q)
      let yes = Yes(q)
      "{said} {both} {yes}"
    } else Say@late(q) })"),
            "Both <- Say@two\nSay@late <- | Yes\nSay@one <-\nSay@two <-\nYes <-\n= <- Say@late | Yes\n");
}

// ---- the method

class MethodFlow : public DataFlowTest {
 protected:
  std::string FlowOfPlan(const std::string& plan, engine::ScriptOptions options = {},
                         const session::LoadOptions& load = {}) {
    const auto loaded = session::Program::LoadFile(JADE_SOURCE_DIR "/workflows/jade.jade", load);
    EXPECT_TRUE(loaded.ok() && loaded->program != nullptr);
    request_.program = loaded->program;
    request_.inputs = {{"question", "about everything"}};
    Team team(options);
    team.Says([plan](const Request& request) -> std::string {
      const std::string topic = TopicOf(request);
      if (request.role == "MakePlan") return "<workflow>" + plan + "</workflow>";
      if (request.role == "SubPlan") return topic == "two" ? "no plan" : "<workflow>R,DS,AG</workflow>";
      if (request.role == "QR") return "<query>search " + topic + "</query>";
      if (request.role == "DS") return topic == "two" ? "none" : "<id>Document0</id>";
      if (request.role == "AS" || request.role == "AG") return "<answer>" + topic + "</answer>";
      return "<q1>about one</q1><q2>about two</q2>";
    });
    finished_ = team.Answer(request_);
    return Traced();
  }
};

TEST_F(MethodFlow, APipeline) {
  EXPECT_EQ(FlowOfPlan("QR,R,DS,AG"),
            "MakePlan <-\nrun/AG <- run/DS | MakePlan\nrun/DS <- run/R | MakePlan\nrun/QR <- | MakePlan\n"
            "run/R <- run/QR | MakePlan\n= <- run/AG | MakePlan\n");
}

TEST_F(MethodFlow, SerialDecomposition) {
  EXPECT_EQ(
      FlowOfPlan("QDS"),
      "MakePlan <-\n"
      "run/QDS/AS <- run/QDS/QR[0] run/QDS/QR[1] run/QDS/run[0]/AG run/QDS/run[1]/RetrieveAndAnswer/AG | MakePlan "
      "run/QDS/DecomposeSerial run/QDS/SubPlan[0] run/QDS/SubPlan[1]\n"
      "run/QDS/DecomposeSerial <- | MakePlan\n"
      "run/QDS/QR[0] <- run/QDS/DecomposeSerial | MakePlan\n"
      "run/QDS/QR[1] <- run/QDS/DecomposeSerial run/QDS/QR[0] run/QDS/run[0]/AG | MakePlan run/QDS/SubPlan[0]\n"
      "run/QDS/SubPlan[0] <- run/QDS/QR[0] | MakePlan run/QDS/DecomposeSerial\n"
      "run/QDS/SubPlan[1] <- run/QDS/QR[1] | MakePlan run/QDS/DecomposeSerial\n"
      "run/QDS/run[0]/AG <- run/QDS/QR[0] run/QDS/run[0]/DS | MakePlan run/QDS/DecomposeSerial run/QDS/SubPlan[0]\n"
      "run/QDS/run[0]/DS <- run/QDS/QR[0] run/QDS/run[0]/R | MakePlan run/QDS/DecomposeSerial run/QDS/SubPlan[0]\n"
      "run/QDS/run[0]/R <- run/QDS/QR[0] | MakePlan run/QDS/DecomposeSerial run/QDS/SubPlan[0]\n"
      "run/QDS/run[1]/RetrieveAndAnswer/AG <- run/QDS/QR[1] run/QDS/run[1]/RetrieveAndAnswer/R | MakePlan "
      "run/QDS/DecomposeSerial run/QDS/SubPlan[1]\n"
      "run/QDS/run[1]/RetrieveAndAnswer/R <- run/QDS/QR[1] | MakePlan run/QDS/DecomposeSerial run/QDS/SubPlan[1]\n"
      "= <- run/QDS/AS | MakePlan\n");
}

TEST_F(MethodFlow, ParallelDecomposition) {
  // The second sub-planner writes no plan: in its place its part is searched for and answered.
  EXPECT_EQ(FlowOfPlan("QDP"),
            "MakePlan <-\n"
            "run/QDP/AS <- run/QDP/DecomposeParallel run/QDP/run[0]/AG run/QDP/run[1]/RetrieveAndAnswer/AG | MakePlan "
            "run/QDP/SubPlan[0] run/QDP/SubPlan[1]\n"
            "run/QDP/DecomposeParallel <- | MakePlan\n"
            "run/QDP/SubPlan[0] <- run/QDP/DecomposeParallel | MakePlan\n"
            "run/QDP/SubPlan[1] <- run/QDP/DecomposeParallel | MakePlan\n"
            "run/QDP/run[0]/AG <- run/QDP/DecomposeParallel run/QDP/run[0]/DS | MakePlan run/QDP/SubPlan[0]\n"
            "run/QDP/run[0]/DS <- run/QDP/DecomposeParallel run/QDP/run[0]/R | MakePlan run/QDP/SubPlan[0]\n"
            "run/QDP/run[0]/R <- run/QDP/DecomposeParallel | MakePlan run/QDP/SubPlan[0]\n"
            "run/QDP/run[1]/RetrieveAndAnswer/AG <- run/QDP/DecomposeParallel run/QDP/run[1]/RetrieveAndAnswer/R | "
            "MakePlan run/QDP/SubPlan[1]\n"
            "run/QDP/run[1]/RetrieveAndAnswer/R <- run/QDP/DecomposeParallel | MakePlan run/QDP/SubPlan[1]\n"
            "= <- run/QDP/AS | MakePlan\n");
}

TEST_F(MethodFlow, IsTheSameInAnyOrderOfRepliesAndWithoutPasses) {
  for (const char* plan : {"QDS", "QDP", "QR,R,DS,AG", "no plan"}) {
    const std::string flow = FlowOfPlan(plan);
    for (uint64_t seed = 0; seed < 10; ++seed) {
      EXPECT_EQ(FlowOfPlan(plan, {engine::ScriptOptions::Order::kShuffled, seed}), flow) << plan << " seed " << seed;
    }
    static const passes::PassList none;
    EXPECT_EQ(FlowOfPlan(plan, {}, {.passes = &none, .plan_passes = &none}), flow) << plan;
  }
}

TEST_F(MethodFlow, RecordsOfAnotherRunAreRefused) {
  FlowOfPlan("R,AG");
  RunRequest other = request_;
  other.inputs = {{"question", "about nothing"}};
  const auto refusal = [&](const RunRequest& request, const std::vector<trace::CallRecord>& calls) {
    const Result<DataFlow> flow = tracer_.Trace(request, calls);
    return flow.ok() ? "traced" : flow.error().ToString();
  };
  EXPECT_THAT(refusal(other, finished_.calls), HasSubstr("`Solve/MakePlan` is shown something else than is recorded"));
  std::vector<trace::CallRecord> calls = finished_.calls;
  std::erase_if(calls, [](const auto& call) { return call.kind == trace::CallKind::kTool; });
  EXPECT_THAT(refusal(request_, calls), HasSubstr("no record of what `R` is asked"));
  calls = finished_.calls;
  calls.push_back(calls.back());
  calls.back().path = "Solve/AG";
  EXPECT_THAT(refusal(request_, calls), HasSubstr("the run does not make `Solve/AG`"));
  calls = finished_.calls;
  std::ranges::reverse(calls);
  EXPECT_THAT(refusal(request_, calls), HasSubstr("not in order of issue"));
  EXPECT_EQ(refusal(request_, finished_.calls), "traced");
}

TEST_F(MethodFlow, ACancelledRunHasTheFlowOfWhatItDid) {
  const auto loaded = session::Program::LoadFile(JADE_SOURCE_DIR "/workflows/jade.jade");
  request_.program = loaded->program;
  request_.inputs = {{"question", "about everything"}};
  team_.engine.SetMatcher([](const Request& request) -> std::optional<ScriptedReply> {
    if (request.role == "MakePlan") return ScriptedReply{"<workflow>QR,R,AG</workflow>", 100, std::nullopt};
    return ScriptedReply{"<query>search</query>", 100, std::nullopt, request.role == "AG"};
  });
  session::Session session(&team_.engine, {&team_.tools}, team_.engine.clock());
  const auto run = session.Start(request_);
  while (team_.engine.requests().size() < 3) ASSERT_TRUE(session.Pump());
  session.Cancel(*run);
  finished_ = session.Take(*run);
  ASSERT_EQ(finished_.calls.back().status, trace::CallStatus::kCancelled);
  const Result<DataFlow> flow = tracer_.Trace(request_, finished_.calls);
  ASSERT_TRUE(flow.ok()) << flow.error().ToString();
  EXPECT_THAT(Shown(*flow, finished_.calls), HasSubstr("run/R <- run/QR | MakePlan\n"));
}

// ---- graphs

Uses Data(std::vector<uint32_t> calls) {
  return {std::move(calls), {}};
}

TEST(Graphs, NearestUsesLeaveOutWhatIsImplied) {
  // 0 plans; 1 → 2 → 3 → the value; 3 sees 1 too, all hang on 0.
  const DataFlow flow{{Data({}), {{}, {0}}, {{1}, {0}}, {{1, 2}, {0}}}, {{3}, {0}}, {}};
  EXPECT_THAT(AllUses(flow),
              ElementsAre(ElementsAre(), ElementsAre(0), ElementsAre(0, 1), ElementsAre(0, 1, 2), ElementsAre(0, 3)));
  EXPECT_THAT(NearestUses(flow),
              ElementsAre(ElementsAre(), ElementsAre(0), ElementsAre(1), ElementsAre(2), ElementsAre(3)));
}

TEST(Graphs, NearestUsesAgreeWithReachability) {
  constexpr uint32_t kCalls = 150;  // more than two words
  uint32_t random = 1;
  DataFlow flow;
  flow.calls.resize(kCalls);
  auto fill = [&](Uses& uses, uint32_t below) {
    for (uint32_t i = 0; i < below; ++i) {
      random = random * 1664525 + 1013904223;
      if (random >> 27U == 0) uses.data.push_back(i);
    }
  };
  for (uint32_t i = 0; i < kCalls; ++i) fill(flow.calls[i], i);
  fill(flow.value, kCalls);
  auto reach = [](const std::vector<std::vector<uint32_t>>& rows) {
    std::vector<std::set<uint32_t>> all(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      for (const uint32_t used : rows[i]) {
        all[i].insert(used);
        all[i].insert(all[used].begin(), all[used].end());
      }
    }
    return all;
  };
  const auto all = AllUses(flow);
  const auto nearest = NearestUses(flow);
  EXPECT_EQ(reach(all), reach(nearest));
  const auto reached = reach(all);
  for (const std::vector<uint32_t>& row : nearest) {
    for (const uint32_t used : row) {
      for (const uint32_t other : row) EXPECT_FALSE(reached[other].contains(used));
    }
  }
}

TEST(Graphs, ConsumersAreFoundThroughCallsThatAreNotKept) {
  // 0 rewrites, 1 searches (a tool), 2 selects, 3 answers from 1 and 2.
  const DataFlow flow{{Data({}), Data({0}), Data({1}), Data({1, 2})}, Data({3}), {}};
  const Consumers consumers = ConsumersOf(AllUses(flow), {true, false, true, true});
  EXPECT_THAT(consumers.calls, ElementsAre(ElementsAre(2, 3), ElementsAre(), ElementsAre(3), ElementsAre()));
  EXPECT_THAT(consumers.in_value, ElementsAre(false, false, false, true));
  // A tool's result as the answer is the rewriter's.
  EXPECT_THAT(ConsumersOf({{}, {0}, {1}}, {true, false}).in_value, ElementsAre(true, false));
}

}  // namespace
}  // namespace jade::replay
