// How much of a question's time its branches share. Delays are the script's and the clock is virtual, so that the
// figures are exact: docs/benchmarks.md, "Overlap", has them as a table.
//
// A question of k parts: part i (from 0) is a search of 50 ms and an answer of 100 + 25 i ms; splitting, joining and
// planning take 100 ms each. Run one call after the other, as the published code does, it takes the sum of all calls.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "compiler/diag/render.h"
#include "runtime/engine/scripted.h"
#include "runtime/session/session.h"

namespace jade::session {
namespace {

using engine::ScriptedReply;

constexpr int kMostParts = 8;
constexpr int64_t kSearchMs = 50;
constexpr int64_t kStepMs = 100;

int64_t AnswerMs(int part) {
  return 100 + 25 * part;
}
int64_t SlowestPartMs(int parts) {
  return kSearchMs + AnswerMs(parts - 1);
}
int64_t AllPartsMs(int parts) {
  int64_t sum = 0;
  for (int i = 0; i < parts; ++i) sum += kSearchMs + AnswerMs(i);
  return sum;
}

constexpr std::string_view kProgram = R"(type Query = new Text
type Answer = new Text

tool R(query: Query) -> [Text]
executor Split(question: Query) -> [Query] { user "{question}" emits <q#> [Query] max 8 }
executor Ask(part: Query, found: [Text]) -> Answer { user "{part}" emits <answer> Answer }
executor Join(question: Query, parts: [Answer]) -> Answer { user "{question}" emits <answer> Answer }
planner Block(question: Query) -> Plan<Query, Answer> { user "{question}" emits <workflow> plan uses R, Ask, Join }

workflow Each(question: Query) -> Answer {
  Join(question, each part in Split(question) { Ask(part, R(part)) })
}
workflow Planned(question: Query) -> Answer { run Block(question) on question }
)";

std::string PartName(int part) {
  return fmt::format("part {}", part);
}

// "let a0 = Ask("part 0", R("part 0")); …; Join(question, [a0, …])".
std::string Lets(int parts, std::string_view separator) {
  std::string text;
  std::vector<std::string> names;
  for (int i = 0; i < parts; ++i) {
    names.push_back(fmt::format("a{}", i));
    text += fmt::format("let {} = Ask(\"{}\", R(\"{}\")){}", names.back(), PartName(i), PartName(i), separator);
  }
  return text + fmt::format("Join(question, [{}])", fmt::join(names, ", "));
}

struct Times {
  int64_t critical_ms = 0;    // from the run's start to its end
  int64_t sequential_ms = 0;  // of all calls together
  friend bool operator==(const Times&, const Times&) = default;
};
std::ostream& operator<<(std::ostream& out, const Times& times) {
  return out << times.critical_ms << " of " << times.sequential_ms << " ms";
}

class Team {
 public:
  Team(int parts, std::string plan) : tools_(engine_.schedule()) {
    std::string split;
    for (int i = 0; i < parts; ++i) split += fmt::format("<q{}>{}</q{}>", i + 1, PartName(i), i + 1);
    engine_.SetMatcher([split, plan = std::move(plan)](const engine::Request& request) {
      const auto say = [](std::string text, int64_t ms) { return ScriptedReply{std::move(text), ms * 1000}; };
      const std::string& asked = request.messages->back().text;
      if (request.role == "Split" || request.role == "DecomposeParallel") return say(split, kStepMs);
      if (request.role == "Block" || request.role == "MakePlan")
        return say("<workflow>" + plan + "</workflow>", kStepMs);
      if (request.role == "SubPlan") return say("<workflow>R,AG</workflow>", kStepMs);
      const size_t part = asked.find("part ");
      const bool joins = request.role == "Join" || request.role == "AS" || part == std::string::npos;
      return say("<answer>x</answer>", joins ? kStepMs : AnswerMs(asked[part + 5] - '0'));
    });
    tools_.Set("R", [](const engine::ToolRequest&) {
      return engine::ScriptedTools::Result{"[]", kSearchMs * 1000, std::nullopt};
    });
  }

  Times Run(const ProgramPtr& program, const std::string& workflow) {
    Session session(&engine_, {&tools_}, engine_.clock());
    RunRequest request;
    request.program = program;
    request.workflow = workflow;
    request.inputs = {{"question", "a question"}};
    const Result<RunId> run = session.Start(request);
    EXPECT_TRUE(run.ok()) << run.error().ToString();
    session.Drain();
    const FinishedRun finished = session.Take(*run);
    EXPECT_TRUE(finished.value) << finished.trap->ToString();
    Times times;
    times.critical_ms = finished.run.elapsed_us / 1000;
    for (const trace::CallRecord& call : finished.calls) {
      EXPECT_EQ(call.status, trace::CallStatus::kDone);
      EXPECT_NE(call.validity, trace::Validity::kMalformed) << call.path << ": " << call.action;
      times.sequential_ms += (call.timings.finished_us - call.timings.issued_us) / 1000;
    }
    return times;
  }

 private:
  engine::ScriptedEngine engine_;
  engine::ScriptedTools tools_;
};

ProgramPtr Load(const std::string& text) {
  const Loaded loaded = Program::LoadText("overlap.jade", text);
  EXPECT_NE(loaded.program, nullptr) << diag::RenderText(loaded.diagnostics);
  return loaded.program;
}

TEST(OverlapTest, CallsWrittenOneBelowTheOther) {
  for (int k = 1; k <= kMostParts; ++k) {
    const std::string text =
        fmt::format("{}workflow Lets(question: Query) -> Answer {{\n{}\n}}\n", kProgram, Lets(k, "\n"));
    const Times expected{SlowestPartMs(k) + kStepMs, AllPartsMs(k) + kStepMs};
    EXPECT_EQ(Team(k, "").Run(Load(text), "Lets"), expected) << k;
  }
}

TEST(OverlapTest, PartsOfAList) {
  const ProgramPtr program = Load(std::string(kProgram));
  for (int k = 1; k <= kMostParts; ++k) {
    const Times expected{SlowestPartMs(k) + 2 * kStepMs, AllPartsMs(k) + 2 * kStepMs};
    EXPECT_EQ(Team(k, "").Run(program, "Each"), expected) << k;
  }
}

TEST(OverlapTest, ThePlanOfAModel) {
  const ProgramPtr program = Load(std::string(kProgram));
  for (int k = 1; k <= kMostParts; ++k) {
    const Times expected{SlowestPartMs(k) + 2 * kStepMs, AllPartsMs(k) + 2 * kStepMs};
    EXPECT_EQ(Team(k, Lets(k, "; ")).Run(program, "Planned"), expected) << k;
  }
}

// Planning, splitting, all parts at once (each planned, too), summing up.
TEST(OverlapTest, ParallelDecompositionOfTheMethod) {
  const ProgramPtr program =
      Load("use std.rag\nmain workflow Solve(question: Query) -> Answer { run MakePlan(question) on question }\n");
  constexpr int kMostOfTheMethod = 7;
  for (int k = 1; k <= kMostOfTheMethod; ++k) {
    const Times expected{SlowestPartMs(k) + 4 * kStepMs, AllPartsMs(k) + (3 + k) * kStepMs};
    EXPECT_EQ(Team(k, "QDP").Run(program, "Solve"), expected) << k;
  }
}

}  // namespace
}  // namespace jade::session
