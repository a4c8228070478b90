// Plan text and snippets: modules of their own that extend the program's.

#include <fmt/format.h>

#include "compiler/lower/body_lowerer.h"

namespace jade::lower {
namespace {

using ir::FunctionKind;
using ir::ValueId;

class PlanLowerer {
 public:
  PlanLowerer(ModuleLowerer& module, const sema::TypedPlan& plan) : module_(module), plan_(plan) {}

  ir::FunctionId Run() { return plan_.form == ast::PlanForm::kPipeline ? Pipeline(plan_.pipeline) : Block(); }

 private:
  // Sub-plans come first, so that the plan that takes them can name them.
  ir::FunctionId Pipeline(const sema::TypedPipeline& pipeline) {
    std::vector<ir::FunctionId> sub_plans;
    for (const sema::TypedStage& stage : pipeline.stages) {
      sub_plans.push_back(stage.sub_plan.stages.empty() ? ir::FunctionId{} : Pipeline(stage.sub_plan));
    }
    BodyLowerer body(module_, plan_.tables, NextName(), FunctionKind::kPlan, pipeline.result);
    body.SetFile(plan_.file, Span());
    ValueId input = body.builder().Parameter("input", pipeline.argument);
    std::vector<ValueId> results;
    for (size_t s = 0; s < pipeline.stages.size(); ++s) {
      const sema::TypedStage& stage = pipeline.stages[s];
      const std::vector<types::Parameter>& parameters = module_.declaration(stage.declaration).signature.parameters;
      std::vector<ValueId> arguments(parameters.size());
      for (size_t i = 0; i < parameters.size(); ++i) {
        switch (stage.inputs[i].kind) {
          case sema::StageInputKind::kInput:
            arguments[i] = input;
            break;
          case sema::StageInputKind::kStage:
            arguments[i] = results[stage.inputs[i].stage];
            break;
          case sema::StageInputKind::kSubPlan:
            arguments[i] = body.MakePlan(sub_plans[s], module_.types().WithoutOptional(parameters[i].type), stage.span);
            break;
          case sema::StageInputKind::kDefault:
            break;
        }
      }
      results.push_back(body.CallDeclaration(stage.declaration, std::move(arguments), nullptr, stage.span));
    }
    body.builder().Yield({body.Coerce(results.back(), pipeline.result, Span())});
    return module_.Add(body.Finish());
  }

  ir::FunctionId Block() {
    BodyLowerer body(module_, plan_.tables, NextName(), FunctionKind::kPlan, plan_.result);
    body.SetFile(plan_.file, Span());
    body.BindInput(body.builder().Parameter("input", plan_.argument));
    for (const ast::LetStmt& let : plan_.tree->lets) body.LowerLet(let);
    body.builder().Yield({body.LowerAs(*plan_.tree->items[0], plan_.result)});
    return module_.Add(body.Finish());
  }

  source::Span Span() const { return {0, static_cast<uint32_t>(plan_.file->text().size())}; }
  // "plan/0" is the first finished: sub-plans before their plans.
  std::string NextName() { return fmt::format("plan/{}", next_++); }

  ModuleLowerer& module_;
  const sema::TypedPlan& plan_;
  int next_ = 0;
};

Lowered IdsOf(const Lowered& base) {
  return {nullptr, base.callees, base.functions, base.thunks, base.params, {}};
}

}  // namespace

std::shared_ptr<ir::Module> LowerPlan(const sema::Program& program, const Lowered& base, const sema::TypedPlan& plan) {
  ModuleLowerer lowerer(program, std::make_shared<ir::Module>(base.module), IdsOf(base));
  lowerer.module().SetMain(PlanLowerer(lowerer, plan).Run());
  return lowerer.module_ptr();
}

std::shared_ptr<ir::Module> LowerSnippet(const sema::Program& program, const Lowered& base, const Snippet& snippet) {
  ModuleLowerer lowerer(program, std::make_shared<ir::Module>(base.module), IdsOf(base));
  const sema::TypedStatement& statement = snippet.tree->statements[snippet.statement];
  BodyLowerer body(lowerer, snippet.tree->tables, lowerer.UniqueName(snippet.name), FunctionKind::kWorkflow,
                   statement.type);
  body.SetFile(snippet.tree->file, statement.value->span);
  for (const sema::Given& given : snippet.arguments) {
    body.Bind(given.binding, body.builder().Parameter(given.name, given.type));
  }
  body.builder().Yield({body.LowerAs(*statement.value, statement.type)});
  lowerer.module().SetMain(lowerer.Add(body.Finish()));
  return lowerer.module_ptr();
}

}  // namespace jade::lower
