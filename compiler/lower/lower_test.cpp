#include "compiler/lower/lower.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/diag/render.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/verifier.h"
#include "compiler/passes/pipeline.h"
#include "compiler/sema/sema.h"

namespace jade::lower {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

sema::ProgramPtr Check(std::string name, std::string text) {
  diag::Diagnostics sink;
  sema::ProgramPtr program =
      sema::CheckProgram(std::make_shared<source::SourceFile>(std::move(name), std::move(text)), {}, sink);
  std::string problems;
  for (const diag::Diagnostic& diagnostic : sink.all()) problems += diag::RenderText(diagnostic) + "\n";
  EXPECT_TRUE(program->ok) << problems;
  return program;
}

// Verified, and the same after printing and reading.
void ExpectWhole(const ir::Module& module) {
  Status verified = ir::Verify(module);
  EXPECT_TRUE(verified.ok()) << verified.error().ToString() << "\n" << ir::Print(module);
  if (module.base() != nullptr) return;
  ir::PrintOptions options;
  options.spans = true;
  std::string printed = ir::Print(module, options);
  auto again = ir::Read(printed);
  ASSERT_TRUE(again.ok()) << again.error().ToString() << "\n" << printed;
  EXPECT_EQ(ir::Print(**again, options), printed);
}

Lowered LowerText(const std::string& text, const passes::PassList& list = {}) {
  sema::ProgramPtr program = Check("test.jade", text);
  if (!program->ok) return {};
  Lowered lowered = LowerProgram(*program);
  passes::RunPasses(*lowered.module, list, /*verify=*/true);
  ExpectWhole(*lowered.module);
  return lowered;
}

std::string Printed(const Lowered& lowered, std::string_view function) {
  if (lowered.module == nullptr) return "";
  ir::FunctionId id = lowered.module->FindFunction(function);
  return id.valid() ? ir::PrintFunction(*lowered.module, lowered.module->function(id)) : "no such function";
}

class Shipped : public ::testing::TestWithParam<const char*> {};

TEST_P(Shipped, WorkflowIsLoweredWhole) {
  std::string path = std::string(JADE_SOURCE_DIR "/") + GetParam();
  auto text = source::ReadFile(path, 1 << 20);
  ASSERT_TRUE(text.ok()) << text.error().ToString();
  sema::ProgramPtr program = Check(path, *text);
  ASSERT_TRUE(program->ok);
  for (const passes::PassList& list : {passes::PassList{}, passes::PlanPasses(), passes::ProgramPasses()}) {
    Lowered lowered = LowerProgram(*program);
    passes::RunPasses(*lowered.module, list, /*verify=*/true);
    ExpectWhole(*lowered.module);
  }
}

INSTANTIATE_TEST_SUITE_P(Lower, Shipped,
                         ::testing::Values("workflows/jade.jade", "workflows/naive_rag.jade",
                                           "workflows/rewrite_retrieve_read.jade", "workflows/self_ask.jade",
                                           "workflows/adaptive.jade", "workflows/closed_book.jade"),
                         [](const auto& info) {
                           std::string name = info.param;
                           return name.substr(10, name.size() - 15);
                         });

constexpr std::string_view kDecls = R"(
type Query = new Text
type Answer = new Text
record Note { question: Query, answer: Answer }
enum Step { Ask(q: Query), Final(a: Answer), Stop }
executor QR(sub: Query, notes: [Note] = []) -> Query {
  system """Rewrite."""
  user """{for n in notes}{n.question} -> {n.answer}
{end}Question: {sub}{if len(notes) > 1} (many){else} (few){end}"""
  emits <query> Query
  check words(result) <= 100
  malformed Query(raw)
  invalid result
}
executor AG(question: Query) -> Answer {
  user """{question}"""
  emits <answer> Answer
}
executor Next(question: Query) -> Step {
  user """{question}"""
  emits <ask> Ask | <final> Final
}
)";

std::string WithDecls(std::string_view text) {
  return std::string(kDecls) + std::string(text);
}

TEST(Lower, Templates) {
  Lowered lowered = LowerText(WithDecls("main workflow W(q: Query) -> Answer { AG(q) }"));
  EXPECT_EQ(Printed(lowered, "QR.user"),
            "template QR.user(%0: Query sub, %1: [Note] notes) -> Never {\n"
            "  emit.for(%1) { (%2: Note, %3: Int)\n"
            "    %4: Query = field question(%2)\n"
            "    %5: Text = cast(%4)\n"
            "    emit(%5)\n"
            "    emit.text \" -> \"\n"
            "    %6: Answer = field answer(%2)\n"
            "    %7: Text = cast(%6)\n"
            "    emit(%7)\n"
            "    emit.text \"\\n\"\n"
            "    yield\n"
            "  }\n"
            "  emit.text \"Question: \"\n"
            "  %8: Text = cast(%0)\n"
            "  emit(%8)\n"
            "  %9: Int = builtin len(%1)\n"
            "  %10: Int = const.int 1\n"
            "  %11: Bool = gt(%9, %10)\n"
            "  emit.if(%11) {\n"
            "    emit.text \" (many)\"\n"
            "    yield\n"
            "  } {\n"
            "    emit.text \" (few)\"\n"
            "    yield\n"
            "  }\n"
            "  yield\n"
            "}\n");
}

TEST(Lower, SitesCountEachCalleeAndTakeLabels) {
  Lowered lowered = LowerText(WithDecls(
      "main workflow W(q: Query) -> Answer {\n  let a = QR(q)\n  let b = QR@second(a)\n  let c = QR(b)\n  AG(c)\n}"));
  std::string text = Printed(lowered, "W");
  EXPECT_THAT(text, HasSubstr("issue QR(%0, %1) @QR\n"));
  EXPECT_THAT(text, HasSubstr("@QR:second\n"));
  EXPECT_THAT(text, HasSubstr("@QR#1\n"));
  EXPECT_THAT(text, HasSubstr("@AG\n"));
}

TEST(Lower, Control) {
  Lowered lowered = LowerText(WithDecls(R"(
workflow Loop(q: Query) -> Query {
  repeat up to 3 with s: Query = q { QR(s) until s == q }
}
workflow Each(qs: [Query]) -> [Answer] { each q in qs { AG(q) } }
workflow Pick(qs: [Query]) -> [Query] { [q for q in qs if words(q) > 2 or q == "x"] }
workflow Match(q: Query, o: Query?) -> Answer {
  match Next(q) {
    Ask(next) => AG(next)
    Final(a) => a
    _ => match o { some(x) => AG(x)  none => "nothing" }
  }
}
workflow Scope(q: Query) -> Answer { within { calls: 3, seconds: 2 } AG(q) else "late" }
main workflow Sum(xs: [Int]) -> Int { fold x in xs with s: Int = 0 { s + x * 2 } }
)"),
                              *passes::ParsePasses("maps"));
  EXPECT_THAT(Printed(lowered, "Loop"), HasSubstr("repeat("));
  EXPECT_THAT(Printed(lowered, "Each"), HasSubstr("each(%0)"));
  EXPECT_THAT(Printed(lowered, "Pick"), HasSubstr("map(%0)"));
  EXPECT_THAT(Printed(lowered, "Match"), HasSubstr("switch [0 1 2]"));
  EXPECT_THAT(Printed(lowered, "Scope"), HasSubstr("within calls seconds"));
  EXPECT_THAT(Printed(lowered, "Sum"), HasSubstr("fold(%0, %1)"));
}

TEST(Lower, LongChainsOfArmsStayShallow) {
  std::string chain = "main workflow W(n: Int) -> Int {\n  ";
  std::string parts = "executor E(n: Int) -> Query { user \"\"\"";
  for (int i = 0; i < 5000; ++i) {
    chain += "if n == " + std::to_string(i) + " { " + std::to_string(i + 1) + " } else ";
    parts += (i == 0 ? "{if n == " : "{else if n == ") + std::to_string(i) + "}x";
  }
  chain += "{ 0 }\n}\n";
  parts += "{end}\"\"\" emits <q> Query }\n";
  Lowered lowered = LowerText(WithDecls(parts + chain));
  ASSERT_NE(lowered.module, nullptr);
  EXPECT_THAT(Printed(lowered, "W"), HasSubstr("const.int 4999"));
}

TEST(Lower, ManyCallsInOneBlock) {
  std::string body = "main workflow W(q: Query) -> Query {\n";
  for (int i = 0; i < 3000; ++i) {
    body += "  let v" + std::to_string(i) + " = QR(" + (i % 2 == 0 ? "q" : "v" + std::to_string(i - 1)) + ")\n";
  }
  LowerText(WithDecls(body + "  v2999\n}\n"), passes::ProgramPasses());
  std::string fewer = body.substr(0, body.find("  let v300 ")) + "  v299\n}\n";
  LowerText(WithDecls(fewer), passes::ProgramPasses());
}

TEST(Lower, PlansBecomeModulesOfTheirOwn) {
  auto text = source::ReadFile(JADE_SOURCE_DIR "/workflows/jade.jade", 1 << 20);
  ASSERT_TRUE(text.ok());
  sema::ProgramPtr program = Check("jade.jade", *text);
  ASSERT_TRUE(program->ok);
  Lowered base = LowerProgram(*program);
  uint32_t planner = program->Find("MakePlan");
  ASSERT_NE(planner, sema::kNone);
  for (const char* source : {"QR, R, DS, AG", "R, AG", "AG", "QDS", "QDP"}) {
    diag::Diagnostics sink;
    auto plan = sema::CheckPlan(*program, planner, source, sink);
    ASSERT_NE(plan, nullptr) << source;
    auto module = LowerPlan(*program, base, *plan);
    passes::RunPasses(*module, passes::PlanPasses(), /*verify=*/true);
    ExpectWhole(*module);
    ASSERT_TRUE(module->main().valid());
    EXPECT_EQ(module->function(module->main()).kind, ir::FunctionKind::kPlan);
    EXPECT_EQ(base.module->function_count(), module->first_function());
  }
}

}  // namespace
}  // namespace jade::lower
