#include "cli/terminal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/trace_tree.h"

namespace jade::cli {
namespace {

TEST(TerminalTest, SpeaksHuman) {
  EXPECT_EQ(HumanBytes(999), "999 B");
  EXPECT_EQ(HumanBytes(1.5e6), "1.5 MB");
  EXPECT_EQ(HumanCount(1234567), "1,234,567");
  EXPECT_EQ(HumanCount(12), "12");
  EXPECT_EQ(HumanDuration(0.012), "12 ms");
  EXPECT_EQ(HumanDuration(125), "2 min 05 s");
  EXPECT_EQ(HumanDuration(3725), "1 h 02 min");
}

TEST(TerminalTest, SlowRatesAreSaidAsTimes) {
  EXPECT_EQ(HumanRate(12345.6, "tokens"), "12,345 tokens/s");
  EXPECT_EQ(HumanRate(1.52, "questions"), "1.5 questions/s");
  EXPECT_EQ(HumanRate(0.122, "questions"), "8.2 s each");
  EXPECT_EQ(HumanRate(0.0, "questions"), "0 questions/s");
  EXPECT_EQ(HumanRate(3.1e6, "B"), "3.1 MB/s");
}

TEST(TerminalTest, CutsByCharactersAndDropsControls) {
  EXPECT_EQ(OneLine("aé\n\033[31mb", 20), "aé  [31mb");
  EXPECT_EQ(OneLine("äöü", 2), "äö…");
  EXPECT_EQ(OneLine("äö", 2), "äö");
}

TEST(TraceTreeTest, GroupsCallsByTheirPaths) {
  trace::RunRecord run;
  run.id = "0a";
  run.workflow = "Solve";
  run.inputs_json = R"({"question":"who?"})";
  run.value_json = R"("Frank Herbert")";
  trace::CallRecord plan;
  plan.path = "Solve/MakePlan";
  plan.validity = trace::Validity::kMalformed;
  plan.penalty = 2;
  plan.action = "QDS";
  trace::CallRecord first = plan;
  first.path = "Solve/QDS/fold[0]/QR";
  first.validity = trace::Validity::kValid;
  trace::CallRecord tool;
  tool.kind = trace::CallKind::kTool;
  tool.path = "Solve/QDS/fold[0]/R";
  tool.action = R"([{"title":"Dune"},{"title":"Frank Herbert"}])";
  const std::string text = TraceTree(run, {plan, first, tool}, Style{}, false);
  EXPECT_THAT(text, testing::HasSubstr("└─ Solve\n   ├─ MakePlan ✗ malformed QDS"));
  EXPECT_THAT(text, testing::HasSubstr("   └─ QDS\n      └─ fold[0]\n         ├─ QR ✓"));
  EXPECT_THAT(text, testing::HasSubstr("         └─ R · Dune · Frank Herbert"));
  EXPECT_THAT(text, testing::HasSubstr("Answer: Frank Herbert\n"));
  EXPECT_THAT(text, testing::HasSubstr("penalty 2"));
}

}  // namespace
}  // namespace jade::cli
