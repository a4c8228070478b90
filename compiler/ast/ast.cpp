#include "compiler/ast/decl.h"
#include "compiler/ast/plan.h"

namespace jade::ast {

std::string Path::ToString() const {
  std::string text;
  for (const Name& part : parts) {
    if (!text.empty()) text += '.';
    text += part.text;
  }
  return text;
}

std::string_view ExprKindName(ExprKind kind) {
  switch (kind) {
    case ExprKind::kError:
      return "error";
    case ExprKind::kInt:
      return "int";
    case ExprKind::kFloat:
      return "float";
    case ExprKind::kBool:
      return "bool";
    case ExprKind::kNone:
      return "none";
    case ExprKind::kDuration:
      return "duration";
    case ExprKind::kTemplate:
      return "template";
    case ExprKind::kName:
      return "name";
    case ExprKind::kField:
      return "field";
    case ExprKind::kIndex:
      return "index";
    case ExprKind::kCall:
      return "call";
    case ExprKind::kList:
      return "list";
    case ExprKind::kComprehension:
      return "comprehension";
    case ExprKind::kUnary:
      return "unary";
    case ExprKind::kBinary:
      return "binary";
    case ExprKind::kIf:
      return "if";
    case ExprKind::kMatch:
      return "match";
    case ExprKind::kFold:
      return "fold";
    case ExprKind::kEach:
      return "each";
    case ExprKind::kRepeat:
      return "repeat";
    case ExprKind::kRun:
      return "run";
    case ExprKind::kWithin:
      return "within";
    case ExprKind::kBlock:
      return "block";
  }
  JADE_UNREACHABLE("expression kind {}", static_cast<int>(kind));
}

std::string_view OpText(UnaryOp op) {
  return op == UnaryOp::kNot ? "not" : "-";
}

std::string_view OpText(BinaryOp op) {
  switch (op) {
    case BinaryOp::kOr:
      return "or";
    case BinaryOp::kAnd:
      return "and";
    case BinaryOp::kEqual:
      return "==";
    case BinaryOp::kNotEqual:
      return "!=";
    case BinaryOp::kLess:
      return "<";
    case BinaryOp::kLessEqual:
      return "<=";
    case BinaryOp::kGreater:
      return ">";
    case BinaryOp::kGreaterEqual:
      return ">=";
    case BinaryOp::kElse:
      return "??";
    case BinaryOp::kAdd:
      return "+";
    case BinaryOp::kSubtract:
      return "-";
    case BinaryOp::kMultiply:
      return "*";
    case BinaryOp::kDivide:
      return "/";
    case BinaryOp::kRemainder:
      return "%";
  }
  JADE_UNREACHABLE("operator {}", static_cast<int>(op));
}

std::string_view DeclKindName(DeclKind kind) {
  switch (kind) {
    case DeclKind::kAlias:
    case DeclKind::kNominal:
      return "type";
    case DeclKind::kRecord:
      return "record";
    case DeclKind::kEnum:
      return "enum";
    case DeclKind::kExecutor:
      return "executor";
    case DeclKind::kTool:
      return "tool";
    case DeclKind::kPlanner:
      return "planner";
    case DeclKind::kWorkflow:
      return "workflow";
    case DeclKind::kParam:
      return "param";
    case DeclKind::kReward:
      return "reward";
    case DeclKind::kTest:
      return "test";
  }
  JADE_UNREACHABLE("declaration kind {}", static_cast<int>(kind));
}

const Callable* AsCallable(const Decl* decl) {
  if (decl == nullptr) return nullptr;
  switch (decl->kind) {
    case DeclKind::kExecutor:
    case DeclKind::kTool:
    case DeclKind::kPlanner:
    case DeclKind::kWorkflow:
    case DeclKind::kReward:
      return static_cast<const Callable*>(decl);
    default:
      return nullptr;
  }
}

namespace {

// The stage an expression stands for; a stage without a name when it is none.
PlanStage AsStage(const Expr* expr, const std::function<bool(std::string_view)>& is_stage) {
  PlanStage stage;
  stage.span = expr->span;
  if (const auto* name = As<NameExpr>(expr)) {
    if (is_stage(name->name.text)) stage.name = name;
    return stage;
  }
  const auto* call = As<CallExpr>(expr);
  if (call == nullptr || call->label || call->arguments.empty()) return stage;
  const auto* callee = As<NameExpr>(call->callee);
  if (callee == nullptr || !is_stage(callee->name.text)) return stage;
  for (const Argument& argument : call->arguments) {
    if (argument.name) return stage;
    PlanStage inner = AsStage(argument.value.get(), is_stage);
    if (inner.name == nullptr) return stage;
    stage.sub_plan.push_back(std::move(inner));
  }
  stage.name = callee;
  stage.call = call;
  return stage;
}

}  // namespace

PlanShape Classify(const Plan& plan, const std::function<bool(std::string_view)>& is_stage) {
  PlanShape shape;
  if (!plan.lets.empty()) {
    shape.form = plan.items.size() == 1 ? PlanForm::kBlock : PlanForm::kInvalid;
    if (plan.items.size() > 1) shape.offender = plan.items[1].get();
    return shape;
  }
  for (const ExprPtr& item : plan.items) {
    PlanStage stage = AsStage(item.get(), is_stage);
    if (stage.name == nullptr) {
      const bool block = plan.items.size() == 1;
      shape = {block ? PlanForm::kBlock : PlanForm::kInvalid, {}, block ? nullptr : item.get()};
      return shape;
    }
    shape.stages.push_back(std::move(stage));
  }
  shape.form = PlanForm::kPipeline;
  return shape;
}

}  // namespace jade::ast
