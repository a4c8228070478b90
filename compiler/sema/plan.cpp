#include "compiler/sema/plan.h"

#include "compiler/parse/parse.h"
#include "compiler/sema/pipeline.h"

namespace jade::sema {

namespace {

// A block's text with runs of blanks as one and none at the ends; texts in quotes are left alone.
std::string Squeeze(std::string_view text) {
  std::string out;
  bool quoted = false;
  bool blank = false;
  for (char c : text) {
    bool space = c == ' ' || c == '\t' || c == '\r';
    if (c == '"') quoted = !quoted;
    if (!quoted && space) {
      blank = !out.empty();
      continue;
    }
    if (blank) out += ' ';
    blank = false;
    out += c;
  }
  return out;
}

bool CheckBlock(Program& program, uint32_t planner, Checker& checker, TypedPlan& plan) {
  const Declaration& declaration = program.declarations[planner];
  const RoleInfo& role = declaration.role;
  if (role.stages != nullptr) {
    checker.Report(diag::kBlockPlan, plan.tree->span, declaration.name).Note("it may write: " + role.stages->text);
    return false;
  }
  std::vector<uint32_t> allowed = role.uses;
  checker.plan = {planner, &allowed};
  checker.BindSymbol(role.input_name, SymbolKind::kInput, role.plan_argument);
  for (const ast::LetStmt& let : plan.tree->lets) checker.CheckLet(let);
  checker.CheckAs(*plan.tree->items[0], role.plan_result);
  plan.canonical = Squeeze(plan.file->text());
  return true;
}

}  // namespace

std::unique_ptr<TypedPlan> CheckPlan(Program& program, uint32_t planner, std::string text, diag::Diagnostics& sink) {
  size_t before = sink.error_count();
  auto file = std::make_shared<const source::SourceFile>("<plan>", std::move(text));
  std::unique_ptr<ast::Plan> tree = parse::ParsePlan(file, sink);
  if (sink.error_count() > before || tree == nullptr) return nullptr;
  return CheckPlan(program, planner, std::move(tree), sink);
}

std::unique_ptr<TypedPlan> CheckPlan(Program& program, uint32_t planner, std::unique_ptr<ast::Plan> tree,
                                     diag::Diagnostics& sink) {
  size_t before = sink.error_count();
  const RoleInfo& role = program.declarations[planner].role;
  auto plan = std::make_unique<TypedPlan>();
  plan->file = tree->file;
  plan->tree = std::move(tree);
  plan->planner = planner;
  plan->argument = role.plan_argument;
  plan->result = role.plan_result;
  plan->tables.nodes.resize(plan->tree->node_count);
  CheckedModule& module = *program.modules[program.declarations[planner].module];
  Checker checker(program, module, plan->file, plan->tables, sink);
  // Whatever is not the input is taken for a stage, so that a misspelt one is named as such.
  ast::PlanShape shape = ast::Classify(*plan->tree, [&](std::string_view name) { return name != role.input_name; });
  plan->form = shape.form;
  switch (shape.form) {
    case ast::PlanForm::kInvalid:
      checker.Report(diag::kPlanForm, shape.offender != nullptr ? shape.offender->span : plan->tree->span);
      break;
    case ast::PlanForm::kPipeline: {
      PipelineRequest request{.stages = &shape.stages,
                              .grammar = role.stages.get(),
                              .planner = planner,
                              .argument = role.plan_argument,
                              .result = role.plan_result,
                              .span = plan->tree->span};
      CheckPipeline(program, request, checker, plan->pipeline, plan->canonical);
      break;
    }
    case ast::PlanForm::kBlock:
      CheckBlock(program, planner, checker, *plan);
      break;
  }
  if (sink.error_count() > before) return nullptr;
  return plan;
}

}  // namespace jade::sema
