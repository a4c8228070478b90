#include "compiler/sema/print.h"

namespace jade::sema {

namespace {

std::string FormatText(const OutputFormat& format, const Declaration& declaration, const types::TypeTable& types) {
  switch (format.kind) {
    case FormatKind::kText:
      return "text as " + types.Name(format.type);
    case FormatKind::kTag:
      return "<" + format.tag + "> " + types.Name(format.type);
    case FormatKind::kNumbered:
      return "<" + format.tag + "#> [" + types.Name(format.type) + "]" +
             (format.max > 0 ? " max " + std::to_string(format.max) : "");
    case FormatKind::kSubset:
      return "<" + format.tag + "> subset " +
             (format.parameter == kNone ? "?" : declaration.signature.parameters[format.parameter].name);
    case FormatKind::kAlternatives: {
      std::string text;
      for (const FormatAlternative& alternative : format.alternatives) {
        text += (text.empty() ? "<" : " | <") + alternative.tag + "> " +
                types[declaration.signature.result].cases[alternative.case_index].name;
      }
      return text;
    }
    case FormatKind::kPlan:
      return "<" + format.tag + "> plan";
  }
  return "";
}

void PrintPipeline(const Program& program, const TypedPipeline& pipeline, const std::string& indent,
                   std::string& text) {
  for (const TypedStage& stage : pipeline.stages) {
    const Declaration& declaration = program.declarations[stage.declaration];
    text += indent + declaration.name + "(";
    for (size_t i = 0; i < stage.inputs.size(); ++i) {
      if (i > 0) text += ", ";
      text += declaration.signature.parameters[i].name + ": ";
      switch (stage.inputs[i].kind) {
        case StageInputKind::kInput:
          text += "input";
          break;
        case StageInputKind::kStage:
          text += program.declarations[pipeline.stages[stage.inputs[i].stage].declaration].name;
          break;
        case StageInputKind::kDefault:
          text += "default";
          break;
        case StageInputKind::kSubPlan:
          text += "sub-plan";
          break;
      }
    }
    text += ") -> " + program.types->Name(declaration.signature.result) + "\n";
    PrintPipeline(program, stage.sub_plan, indent + "  ", text);
  }
}

}  // namespace

std::string Print(const Program& program) {
  const types::TypeTable& types = *program.types;
  const CheckedModule& root = program.root();
  std::string text;
  for (const auto& [name, type] : root.types) {
    types::TypeKind kind = types.kind(type);
    bool own = kind == types::TypeKind::kNominal || kind == types::TypeKind::kRecord || kind == types::TypeKind::kEnum;
    if (own && types[type].module.empty() && types[type].name == name) text += types.Describe(type) + "\n";
  }
  for (uint32_t id : root.declarations) {
    const Declaration& declaration = program.declarations[id];
    text += id == program.main ? "main " : "";
    text += std::string(ast::DeclKindName(declaration.kind)) + " " + declaration.name;
    if (declaration.kind == ast::DeclKind::kParam) {
      text += ": " + types.Name(declaration.signature.result) + "\n";
      continue;
    }
    text += types::SignatureText(declaration.signature, types) + "\n";
    bool role = declaration.kind == ast::DeclKind::kExecutor || declaration.kind == ast::DeclKind::kPlanner;
    if (role) text += "  emits " + FormatText(declaration.role.format, declaration, types) + "\n";
    if (declaration.role.stages != nullptr) text += "  stages " + declaration.role.stages->text + "\n";
    for (uint32_t used : declaration.role.uses) text += "  uses " + program.declarations[used].name + "\n";
    const auto* workflow = ast::As<ast::WorkflowDecl>(declaration.decl);
    const auto* reward = ast::As<ast::RewardDecl>(declaration.decl);
    const ast::Block* body = workflow != nullptr ? workflow->body.get()
                             : reward != nullptr ? reward->body.get()
                                                 : nullptr;
    if (body == nullptr) continue;
    for (const ast::LetStmt& let : body->lets) {
      text += "  let " + let.binding.name.text + ": " + types.Name(root.tables[let.binding.id].type) + "\n";
    }
  }
  return text;
}

std::string Print(const Program& program, const TypedPlan& plan) {
  bool pipeline = plan.form == ast::PlanForm::kPipeline;
  std::string text = std::string(pipeline ? "pipeline " : "block ") + plan.canonical + ": " +
                     program.types->Name(plan.argument) + " -> " + program.types->Name(plan.result) + "\n";
  PrintPipeline(program, plan.pipeline, "  ", text);
  return text;
}

}  // namespace jade::sema
