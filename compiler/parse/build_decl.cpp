// Declarations, without the clauses of roles (build_role.cpp).

#include "compiler/parse/builder.h"

namespace jade::parse {

using ast::Span;

ast::DeclPtr Builder::BuildItem(P::ItemContext* tree) {
  ast::DeclPtr decl;
  if (auto* type = tree->typeDecl()) decl = BuildType(type);
  if (auto* record = tree->recordDecl()) decl = BuildRecord(record);
  if (auto* enumeration = tree->enumDecl()) decl = BuildEnum(enumeration);
  if (auto* executor = tree->executorDecl()) decl = BuildExecutor(executor);
  if (auto* planner = tree->plannerDecl()) decl = BuildPlanner(planner);
  if (auto* tool = tree->toolDecl()) decl = BuildTool(tool);
  if (auto* workflow = tree->workflowDecl()) decl = BuildWorkflow(workflow);
  if (auto* param = tree->paramDecl()) decl = BuildParam(param);
  if (auto* reward = tree->rewardDecl()) decl = BuildReward(reward);
  if (auto* test = tree->testDecl()) decl = BuildTest(test);
  if (decl) decl->span = SpanOf(tree);
  return decl;
}

void Builder::BuildUse(P::UseDeclContext* tree, ast::Module& module) {
  ast::Use use;
  use.span = SpanOf(tree);
  use.path = PathOf(tree->path());
  if (tree->AS() != nullptr) use.alias = NameOf(tree->name());
  if (!module.decls.empty() && !use.path.parts.empty()) {
    Report(diag::kUseAfterDeclaration, use.span)
        .Note(file_, module.decls.front()->name.span, "the first declaration is here")
        .Help("move it to the top of the file");
  }
  if (!use.path.parts.empty()) module.uses.push_back(std::move(use));
}

ast::DeclPtr Builder::BuildType(P::TypeDeclContext* tree) {
  if (tree->NEW() != nullptr) {
    auto decl = std::make_unique<ast::NominalDecl>();
    decl->name = NameOf(tree->name());
    decl->base = TypeOf(tree->type());
    return decl;
  }
  auto decl = std::make_unique<ast::AliasDecl>();
  decl->name = NameOf(tree->name());
  decl->type = TypeOf(tree->type());
  return decl;
}

ast::DeclPtr Builder::BuildRecord(P::RecordDeclContext* tree) {
  auto decl = std::make_unique<ast::RecordDecl>();
  decl->name = NameOf(tree->name());
  if (tree->recordBody() == nullptr) return decl;
  for (P::FieldContext* field : tree->recordBody()->field()) {
    ast::Name name = NameOf(field->name());
    if (name.empty()) continue;
    decl->fields.push_back({std::move(name), TypeOf(field->type()), SpanOf(field)});
  }
  return decl;
}

ast::DeclPtr Builder::BuildEnum(P::EnumDeclContext* tree) {
  auto decl = std::make_unique<ast::EnumDecl>();
  decl->name = NameOf(tree->name());
  if (tree->enumBody() == nullptr) return decl;
  for (P::EnumCaseContext* tree_case : tree->enumBody()->enumCase()) {
    ast::CaseDecl item;
    item.name = NameOf(tree_case->name());
    item.span = SpanOf(tree_case);
    if (item.name.empty()) continue;
    for (P::PayloadContext* payload : tree_case->payload()) {
      item.payload.push_back({NameOf(payload->name()), TypeOf(payload->type()), SpanOf(payload)});
    }
    decl->cases.push_back(std::move(item));
  }
  return decl;
}

std::vector<ast::Parameter> Builder::ParametersOf(P::ParamsContext* tree) {
  std::vector<ast::Parameter> parameters;
  if (tree == nullptr) return parameters;
  for (P::ParamContext* param : tree->param()) {
    ast::Parameter parameter;
    parameter.id = NextId();
    parameter.name = NameOf(param->name());
    parameter.span = SpanOf(param);
    parameter.type = TypeOf(param->type());
    parameter.from_input = param->FROM() != nullptr;
    if (param->ASSIGN() != nullptr) parameter.default_value = ExprOf(param->expr(), parameter.span);
    if (!parameter.name.empty()) parameters.push_back(std::move(parameter));
  }
  return parameters;
}

ast::DeclPtr Builder::BuildExecutor(P::ExecutorDeclContext* tree) {
  auto decl = std::make_unique<ast::ExecutorDecl>();
  decl->name = NameOf(tree->name());
  decl->parameters = ParametersOf(tree->params());
  decl->result = TypeOf(tree->type());
  BuildRoleBody(tree->roleBody(), *decl, nullptr);
  return decl;
}

ast::DeclPtr Builder::BuildPlanner(P::PlannerDeclContext* tree) {
  auto decl = std::make_unique<ast::PlannerDecl>();
  decl->name = NameOf(tree->name());
  decl->parameters = ParametersOf(tree->params());
  decl->result = TypeOf(tree->type());
  BuildRoleBody(tree->roleBody(), *decl, decl.get());
  return decl;
}

ast::Setting Builder::SettingOf(P::SettingContext* tree) {
  ast::Setting setting;
  setting.span = SpanOf(tree);
  setting.name = NameOf(tree->name());
  if (tree->DURATION() != nullptr) {
    auto duration = Make<ast::DurationLiteral>(SpanOf(tree->DURATION()));
    const std::string text = TextOf(duration->span);
    const size_t unit = text.find_first_of("msh");
    std::string digits;
    for (const char c : text.substr(0, unit)) {
      if (c != '_') digits += c;
    }
    const double scale = text.substr(unit) == "ms"  ? 0.001
                         : text.substr(unit) == "m" ? 60
                         : text.substr(unit) == "h" ? 3600
                                                    : 1;
    duration->seconds = std::strtod(digits.c_str(), nullptr) * scale;
    setting.value = std::move(duration);
  } else {
    setting.value = ExprOf(tree->expr(), setting.span);
  }
  return setting;
}

ast::DeclPtr Builder::BuildTool(P::ToolDeclContext* tree) {
  auto decl = std::make_unique<ast::ToolDecl>();
  decl->name = NameOf(tree->name());
  decl->parameters = ParametersOf(tree->params());
  decl->result = TypeOf(tree->type());
  if (tree->toolBody() != nullptr) {
    for (P::SettingContext* setting : tree->toolBody()->setting()) {
      ast::Setting attribute = SettingOf(setting);
      if (!attribute.name.empty()) decl->attributes.push_back(std::move(attribute));
    }
  }
  return decl;
}

ast::DeclPtr Builder::BuildWorkflow(P::WorkflowDeclContext* tree) {
  auto decl = std::make_unique<ast::WorkflowDecl>();
  decl->is_main = tree->MAIN() != nullptr;
  decl->name = NameOf(tree->name());
  decl->parameters = ParametersOf(tree->params());
  decl->result = TypeOf(tree->type());
  decl->body = BlockOf(tree->block(), SpanOf(tree));
  return decl;
}

ast::DeclPtr Builder::BuildReward(P::RewardDeclContext* tree) {
  auto decl = std::make_unique<ast::RewardDecl>();
  decl->name = NameOf(tree->name());
  decl->parameters = ParametersOf(tree->params());
  decl->result = TypeOf(tree->type());
  decl->body = BlockOf(tree->block(), SpanOf(tree));
  return decl;
}

ast::DeclPtr Builder::BuildParam(P::ParamDeclContext* tree) {
  auto decl = std::make_unique<ast::ParamDecl>();
  decl->id = NextId();
  decl->name = NameOf(tree->name());
  decl->type = TypeOf(tree->type());
  if (tree->ASSIGN() != nullptr) decl->default_value = ExprOf(tree->expr(), SpanOf(tree));
  return decl;
}

ast::DeclPtr Builder::BuildTest(P::TestDeclContext* tree) {
  auto decl = std::make_unique<ast::TestDecl>();
  decl->title = TemplateOf(tree->templateLiteral());
  if (tree->testBody() == nullptr) return decl;
  for (P::TestStepContext* step : tree->testBody()->testStep()) {
    ast::TestStep item;
    item.span = SpanOf(step);
    if (step->letStmt() != nullptr) {
      item.kind = ast::TestStepKind::kLet;
      item.let = LetOf(step->letStmt());
    } else if (step->REPLY() != nullptr) {
      item.kind = ast::TestStepKind::kReply;
      item.callee = NameOf(step->name());
      for (P::ExprContext* reply : step->expr()) item.replies.push_back(ExprOf(reply, item.span));
    } else {
      item.kind = ast::TestStepKind::kExpect;
      item.condition = ExprOf(step->expr(0), item.span);
    }
    decl->steps.push_back(std::move(item));
  }
  return decl;
}

}  // namespace jade::parse
