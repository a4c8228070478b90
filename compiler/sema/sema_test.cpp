#include "compiler/sema/sema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ast/plan.h"
#include "compiler/diag/render.h"
#include "compiler/sema/builtins.h"
#include "compiler/sema/plan.h"
#include "stdlib/stdlib.h"

namespace jade::sema {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Checked {
  ProgramPtr program;
  std::vector<std::string> codes;
  std::string text;
};

Checked Check(std::string source, CheckOptions options = {}, std::string name = "test.jade") {
  diag::Diagnostics sink;
  Checked checked;
  auto file = std::make_shared<const source::SourceFile>(std::move(name), std::move(source));
  checked.program = CheckProgram(file, options, sink);
  for (const diag::Diagnostic& diagnostic : sink.Sorted()) checked.codes.push_back(diagnostic.code);
  checked.text = diag::RenderText(sink.Sorted());
  return checked;
}

std::vector<std::string> PlanCodes(const Checked& checked, std::string_view planner, std::string plan,
                                   std::string* canonical = nullptr) {
  diag::Diagnostics sink;
  auto typed = CheckPlan(*checked.program, checked.program->Find(planner), std::move(plan), sink);
  EXPECT_EQ(typed == nullptr, sink.has_errors());
  if (typed != nullptr && canonical != nullptr) *canonical = typed->canonical;
  std::vector<std::string> codes;
  for (const diag::Diagnostic& diagnostic : sink.all()) codes.push_back(diagnostic.code);
  return codes;
}

TEST(StandardLibraryTest, EveryModuleChecks) {
  for (std::string_view name : stdlib::Names()) {
    Checked checked = Check("use " + std::string(name) + "\n");
    EXPECT_THAT(checked.codes, IsEmpty()) << name << "\n" << checked.text;
  }
}

std::string Interface(const Program& program, const CheckedModule& module) {
  std::string text;
  for (uint32_t id : module.declarations) {
    const Declaration& declaration = program.declarations[id];
    text += std::string(ast::DeclKindName(declaration.kind)) + " " + declaration.name +
            types::SignatureText(declaration.signature, *program.types);
    if (declaration.role.stages != nullptr) text += " stages " + declaration.role.stages->text;
    text += " format " + std::to_string(static_cast<int>(declaration.role.format.kind)) + " " +
            declaration.role.format.tag + " " + std::to_string(declaration.role.format.max) + " penalty " +
            std::to_string(declaration.role.penalty) + "\n";
  }
  return text;
}

TEST(StandardLibraryTest, BothSetsOfPromptsHaveOneInterface) {
  Checked full = Check("use std.rag\n");
  Checked brief = Check("use std.rag\n", {.replace = {{"std.rag", "std.rag_brief"}}});
  ASSERT_GE(full.program->modules.size(), 2U);
  const auto& full_module = *full.program->modules[full.program->modules.size() - 2];
  const auto& brief_module = *brief.program->modules[brief.program->modules.size() - 2];
  EXPECT_EQ(full_module.name, "std.rag");
  EXPECT_EQ(brief_module.name, "std.rag_brief");
  EXPECT_EQ(Interface(*full.program, full_module), Interface(*brief.program, brief_module));
}

TEST(PlanTest, TheMethodsPlans) {
  Checked checked = Check("use std.rag\n");
  ASSERT_TRUE(checked.program->ok) << checked.text;
  std::string canonical;
  EXPECT_THAT(PlanCodes(checked, "MakePlan", " QR, R , DS,AG", &canonical), IsEmpty());
  EXPECT_EQ(canonical, "QR,R,DS,AG");
  for (const char* plan : {"AG", "R,AG", "QR,AG", "R,DS,AG", "QR,R,AG", "QDS", "QDP"}) {
    EXPECT_THAT(PlanCodes(checked, "MakePlan", plan), IsEmpty()) << plan;
  }
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "DS,R,AG"), ElementsAre("E0503"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "DS,AG"), ElementsAre("E0503"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "R,DS"), ElementsAre("E0504"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "R,R,AG"), ElementsAre("E0502"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "R,QR,AG"), ElementsAre("E0502"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "QDS,AG"), ElementsAre("E0502"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "QRR,AG"), ElementsAre("E0501"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "QDS(R,AG)"), ElementsAre("E0507"));
  EXPECT_THAT(PlanCodes(checked, "MakePlan", "AG(question)"), ElementsAre("E0509"));
  EXPECT_THAT(PlanCodes(checked, "SubPlan", "QDS"), ElementsAre("E0501"));
  EXPECT_THAT(PlanCodes(checked, "SubPlan", "R,DS,AG"), IsEmpty());
  EXPECT_FALSE(PlanCodes(checked, "MakePlan", "").empty());
  EXPECT_FALSE(PlanCodes(checked, "MakePlan", "QR,,AG").empty());
}

constexpr const char* kBlocks = R"(use std.rag
planner Free(question: Query) -> Plan<Query, Answer> {
  user """{question}"""
  emits <workflow> plan
  uses QR, R, DS, AG, QDS
}
planner Nested(question: Query) -> Plan<Query, Answer> {
  user """{question}"""
  emits <workflow> plan
  stages [R] AG | QDS([R [DS]] AG) | QDS
}
)";

TEST(PlanTest, BlocksAndSubPlans) {
  Checked checked = Check(kBlocks);
  ASSERT_TRUE(checked.program->ok) << checked.text;
  std::string canonical;
  EXPECT_THAT(PlanCodes(checked, "Free",
                        "let a = R(question); let b = R(QR(question, question)); AG(question, DS(question, a + b))"),
              IsEmpty());
  EXPECT_THAT(PlanCodes(checked, "Free", "R,AG"), IsEmpty());
  EXPECT_THAT(PlanCodes(checked, "Free", "QDS(R, DS, AG)", &canonical), IsEmpty());
  EXPECT_EQ(canonical, "QDS(R,DS,AG)");
  EXPECT_THAT(PlanCodes(checked, "Free", "AG(question, R(question, 5, 6))"), ElementsAre("E0404"));
  EXPECT_THAT(PlanCodes(checked, "Free", "let a = R(question); a"), ElementsAre("E0301"));
  EXPECT_THAT(PlanCodes(checked, "Free", "QDP(question)"), ElementsAre("E0501"));
  EXPECT_THAT(PlanCodes(checked, "Free", "run QDS on question"), ElementsAre("E0510"));
  EXPECT_THAT(PlanCodes(checked, "Nested", "QDS(R,DS,AG)"), IsEmpty());
  EXPECT_THAT(PlanCodes(checked, "Nested", "QDS"), IsEmpty());
  EXPECT_THAT(PlanCodes(checked, "Nested", "QDS(R,DS)"), ElementsAre("E0504"));
  EXPECT_THAT(PlanCodes(checked, "Nested", "AG(R)"), ElementsAre("E0507"));
}

TEST(PlanTest, StagesTakeTheNewestValueOfTheirTypes) {
  Checked checked = Check("use std.rag\n");
  ASSERT_TRUE(checked.program->ok) << checked.text;
  diag::Diagnostics sink;
  auto plan = CheckPlan(*checked.program, checked.program->Find("MakePlan"), "QR,R,DS,AG", sink);
  ASSERT_NE(plan, nullptr);
  const std::vector<TypedStage>& stages = plan->pipeline.stages;
  ASSERT_EQ(stages.size(), 4U);
  EXPECT_EQ(stages[0].inputs[0].kind, StageInputKind::kInput);
  EXPECT_EQ(stages[0].inputs[1].kind, StageInputKind::kInput);    // root, from input
  EXPECT_EQ(stages[0].inputs[2].kind, StageInputKind::kDefault);  // notes
  EXPECT_EQ(stages[1].inputs[0].kind, StageInputKind::kStage);    // R takes what QR wrote
  EXPECT_EQ(stages[1].inputs[0].stage, 0U);
  EXPECT_EQ(stages[1].inputs[1].kind, StageInputKind::kDefault);  // k
  EXPECT_EQ(stages[3].inputs[1].kind, StageInputKind::kStage);    // AG takes what DS chose
  EXPECT_EQ(stages[3].inputs[1].stage, 2U);
}

TEST(SemaTest, OneMistakeGivesOneMessage) {
  EXPECT_THAT(Check("workflow W(a: Txt) -> Int { let b = a.size; let c = b + 1; c * len([a, b]) }\n").codes,
              ElementsAre("E0204"));
  EXPECT_THAT(Check("workflow W(a: Int) -> Int { Foo(a).bar[3] + 1 }\n").codes, ElementsAre("E0202"));
  EXPECT_THAT(Check("workflow W(a: Int) -> Text { a }\nworkflow V(a: Int) -> Text { W(a) }\n").codes,
              ElementsAre("E0301"));
}

TEST(SemaTest, ModulesAreFoundBesideTheirUserAndCirclesAreNamed) {
  CheckOptions options;
  options.read = [](const std::string& path) -> Result<std::string> {
    if (path == "lib/a.jade") return std::string("use b\nworkflow A(x: Int) -> Int { B(x) }\n");
    if (path == "lib/b.jade") return std::string("workflow B(x: Int) -> Int { x }\n");
    if (path == "lib/c.jade") return std::string("use d\n");
    if (path == "lib/d.jade") return std::string("use c\n");
    return Error(ErrorCode::kNotFound, "no file");
  };
  EXPECT_THAT(Check("use a\nworkflow W(x: Int) -> Int { A(B(x)) }\n", options, "lib/main.jade").codes, IsEmpty());
  EXPECT_THAT(Check("use a as m\nworkflow W(x: Int) -> Int { m.A(x) }\n", options, "lib/main.jade").codes, IsEmpty());
  EXPECT_THAT(Check("use c\n", options, "lib/main.jade").codes, ElementsAre("E0206"));
  EXPECT_THAT(Check("use e\nuse e\n", options, "lib/main.jade").codes, ElementsAre("E0201"));
  EXPECT_THAT(Check("use std.rga\n").codes, ElementsAre("E0201"));
  EXPECT_THAT(Check("use a as m\nworkflow W(x: Int) -> Int { m.Z(x) }\n", options, "lib/main.jade").codes,
              ElementsAre("E0210"));
}

TEST(SemaTest, ConversionsAreRecorded) {
  Checked checked = Check(
      "type Query = new Text\n"
      "workflow W(q: Query, n: Int) -> Float { let t: Text = q; let o: Int? = n; n }\n");
  ASSERT_TRUE(checked.program->ok) << checked.text;
  const CheckedModule& root = checked.program->root();
  const auto* workflow = ast::As<ast::WorkflowDecl>(root.tree->decls[1]);
  EXPECT_EQ(root.tables[workflow->body->lets[0].value->id].conversion, Conversion::kRetype);
  EXPECT_EQ(root.tables[workflow->body->lets[1].value->id].conversion, Conversion::kRetype);
  EXPECT_EQ(root.tables[workflow->body->result->id].conversion, Conversion::kIntToFloat);
  EXPECT_EQ(checked.program->main, checked.program->Find("W"));
}

}  // namespace
}  // namespace jade::sema
