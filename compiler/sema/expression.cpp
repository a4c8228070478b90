// Literals, operators, lists and templates.
#include "compiler/sema/checker.h"

namespace jade::sema {

TypeId Checker::Infer(const ast::Expr& expr, TypeId hint) {
  TypeId type = InferForm(expr, hint);
  NodeInfo& info = Info(expr.id);
  info.type = info.converted = type;
  return type;
}

TypeId Checker::InferForm(const ast::Expr& expr, TypeId hint) {
  using ast::ExprKind;
  bool forbidden = plan.planner != kNone;
  switch (expr.kind) {
    case ExprKind::kFold:
    case ExprKind::kEach:
    case ExprKind::kMatch:
    case ExprKind::kRun:
    case ExprKind::kRepeat:
    case ExprKind::kWithin:
    case ExprKind::kComprehension:
      if (!forbidden) break;
      Report(diag::kPlanForbids, expr.span,
             expr.kind == ExprKind::kComprehension ? "for" : ast::ExprKindName(expr.kind))
          .Help("a plan is stages, or `let`s and one expression of calls, literals, operators and `if`");
      return TypeTable::Error();
    default:
      break;
  }
  TypeId scalar = hint == kNoType ? kNoType : types_.WithoutOptional(hint);
  auto adapted = [&](TypeId own) {  // a literal takes the nominal type its place wants
    bool nominal = scalar != kNoType && types_.kind(scalar) == TypeKind::kNominal && types_.BaseOf(scalar) == own;
    return nominal ? scalar : own;
  };
  switch (expr.kind) {
    case ExprKind::kError:
      return TypeTable::Error();
    case ExprKind::kInt:
      return adapted(TypeTable::Int());
    case ExprKind::kFloat:
      return adapted(TypeTable::Float());
    case ExprKind::kBool:
      return adapted(TypeTable::Bool());
    case ExprKind::kDuration:
      return TypeTable::Error();  // diagnosed by the parser outside its place
    case ExprKind::kNone:
      return hint != kNoType && types_.IsOptional(hint) ? hint : TypeTable::None();
    case ExprKind::kTemplate:
      return InferTemplate(*ast::As<ast::Template>(&expr), hint);
    case ExprKind::kName:
      return InferName(*ast::As<ast::NameExpr>(&expr), hint);
    case ExprKind::kField:
      return InferField(*ast::As<ast::FieldExpr>(&expr), hint);
    case ExprKind::kIndex:
      return InferIndex(*ast::As<ast::IndexExpr>(&expr));
    case ExprKind::kCall:
      return InferCall(*ast::As<ast::CallExpr>(&expr), hint);
    case ExprKind::kList:
      return InferList(*ast::As<ast::ListExpr>(&expr), hint);
    case ExprKind::kComprehension:
      return InferComprehension(*ast::As<ast::ComprehensionExpr>(&expr), hint);
    case ExprKind::kUnary:
      return InferUnary(*ast::As<ast::UnaryExpr>(&expr), hint);
    case ExprKind::kBinary:
      return InferBinary(*ast::As<ast::BinaryExpr>(&expr), hint);
    case ExprKind::kIf:
      return InferIf(*ast::As<ast::IfExpr>(&expr), hint);
    case ExprKind::kMatch:
      return InferMatch(*ast::As<ast::MatchExpr>(&expr), hint);
    case ExprKind::kFold:
      return InferFold(*ast::As<ast::FoldExpr>(&expr), hint);
    case ExprKind::kEach:
      return InferEach(*ast::As<ast::EachExpr>(&expr), hint);
    case ExprKind::kRepeat:
      return InferRepeat(*ast::As<ast::RepeatExpr>(&expr), hint);
    case ExprKind::kRun:
      return InferRun(*ast::As<ast::RunExpr>(&expr));
    case ExprKind::kWithin:
      return InferWithin(*ast::As<ast::WithinExpr>(&expr), hint);
    case ExprKind::kBlock:
      return InferBlock(*ast::As<ast::Block>(&expr), hint);
  }
  return TypeTable::Error();
}

TypeId Checker::InferTemplate(const ast::Template& text, TypeId hint) {
  CheckTemplate(text);
  TypeId wanted = hint == kNoType ? kNoType : types_.WithoutOptional(hint);
  bool adapts = text.is_literal() && wanted != kNoType && types_.kind(wanted) == TypeKind::kNominal &&
                types_.BaseOf(wanted) == TypeTable::Text();
  return adapts ? wanted : TypeTable::Text();
}

namespace {

struct PartWalker {
  Checker& checker;
  const TypeTable& types;
  const std::function<TypeId(const ast::Expr&)>& element_of;

  void Walk(const std::vector<ast::TemplatePart>& parts) {
    for (const ast::TemplatePart& part : parts) Visit(part);
  }
  void Visit(const ast::TemplatePart& part) {
    switch (part.kind) {
      case ast::PartKind::kText:
        break;
      case ast::PartKind::kHole: {
        if (part.value == nullptr) break;
        TypeId type = checker.Infer(*part.value);
        if (types.IsPrintable(type)) break;
        diag::Builder builder = checker.Report(diag::kNotPrintable, part.value->span, checker.Shown(type));
        if (types.IsList(type)) builder.Help("write its items one by one: `{for x in xs}{x}{end}`");
        if (types.kind(type) == TypeKind::kRecord) builder.Help("write one of its fields");
        break;
      }
      case ast::PartKind::kFor: {
        TypeId element = element_of(*part.value);
        Checker::Scope scope(checker);
        checker.Bind(part.element, element);
        Walk(part.parts);
        break;
      }
      case ast::PartKind::kIf:
        for (const ast::TemplateArm& arm : part.arms) {
          if (arm.condition != nullptr) checker.CheckAs(*arm.condition, TypeTable::Bool());
          Walk(arm.parts);
        }
        break;
    }
  }
};

}  // namespace

void Checker::CheckTemplate(const ast::Template& text) {
  std::function<TypeId(const ast::Expr&)> element_of = [this](const ast::Expr& list) { return ListElement(list); };
  Info(text.id).type = Info(text.id).converted = TypeTable::Text();
  Place outer = place;
  if (place.pure.empty()) place.pure = "a template";
  PartWalker{*this, types_, element_of}.Walk(text.parts);
  place = outer;
}

TypeId Checker::InferIndex(const ast::IndexExpr& expr) {
  TypeId element = ListElement(*expr.base);
  CheckAs(*expr.index, TypeTable::Int());
  return element;
}

TypeId Checker::InferList(const ast::ListExpr& expr, TypeId hint) {
  TypeId wanted = hint == kNoType ? kNoType : types_.WithoutOptional(hint);
  TypeId element = wanted != kNoType && types_.IsList(wanted) ? types_.ElementOf(wanted) : kNoType;
  if (expr.elements.empty()) return element != kNoType ? wanted : types_.List(TypeTable::Never());
  std::vector<const ast::Expr*> elements;
  for (const ast::ExprPtr& item : expr.elements) elements.push_back(item.get());
  TypeId joined = JoinAll(elements, element, expr.span);
  if (types_.IsError(joined)) return joined;
  if (types_.ContainsPlan(joined)) {
    Report(diag::kPlanStored, expr.span, "a list");
    return TypeTable::Error();
  }
  return types_.List(joined);
}

TypeId Checker::InferComprehension(const ast::ComprehensionExpr& expr, TypeId hint) {
  TypeId element = ListElement(*expr.list);
  Scope scope(*this);
  Bind(expr.element, element);
  if (expr.condition != nullptr) CheckAs(*expr.condition, TypeTable::Bool());
  TypeId wanted = hint != kNoType && types_.IsList(hint) ? types_.ElementOf(hint) : kNoType;
  TypeId value = wanted != kNoType ? CheckAs(*expr.value, wanted) : Infer(*expr.value);
  if (types_.IsError(value)) return value;
  if (types_.ContainsPlan(value)) {
    Report(diag::kPlanStored, expr.span, "a list");
    return TypeTable::Error();
  }
  return types_.List(value);
}

TypeId Checker::InferUnary(const ast::UnaryExpr& expr, TypeId hint) {
  if (expr.op == ast::UnaryOp::kNot) {
    CheckAs(*expr.operand, TypeTable::Bool());
    return TypeTable::Bool();
  }
  TypeId own = Infer(*expr.operand, hint);
  TypeId base = types_.BaseOf(own);
  if (types_.IsError(base)) return base;
  if (types_.IsNumber(base)) {
    Convert(*expr.operand, own, base);
    return base;
  }
  Report(diag::kBadOperand, expr.operand->span, "-", Shown(own));
  return TypeTable::Error();
}

TypeId Checker::InferBinary(const ast::BinaryExpr& expr, TypeId hint) {
  using ast::BinaryOp;
  switch (expr.op) {
    case BinaryOp::kOr:
    case BinaryOp::kAnd:
      CheckAs(*expr.left, TypeTable::Bool());
      CheckAs(*expr.right, TypeTable::Bool());
      return TypeTable::Bool();
    case BinaryOp::kEqual:
    case BinaryOp::kNotEqual:
    case BinaryOp::kLess:
    case BinaryOp::kLessEqual:
    case BinaryOp::kGreater:
    case BinaryOp::kGreaterEqual:
      return InferComparison(expr);
    case BinaryOp::kElse:
      return InferElse(expr, hint);
    default:
      return InferArithmetic(expr, hint);
  }
}

TypeId Checker::InferComparison(const ast::BinaryExpr& expr) {
  // A literal on either side adapts to the other side's nominal type.
  auto adapts = [](const ast::Expr& side) {
    const auto* text = ast::As<ast::Template>(&side);
    return (text != nullptr && text->is_literal()) || side.kind == ast::ExprKind::kInt ||
           side.kind == ast::ExprKind::kNone || side.kind == ast::ExprKind::kList || side.kind == ast::ExprKind::kFloat;
  };
  TypeId left;
  TypeId right;
  if (adapts(*expr.left) && !adapts(*expr.right)) {
    right = Infer(*expr.right);
    left = Infer(*expr.left, right);
  } else {
    left = Infer(*expr.left);
    right = Infer(*expr.right, left);
  }
  if (types_.IsError(left) || types_.IsError(right)) return TypeTable::Bool();
  // A chain (`a < b < c`, without parentheses) was diagnosed by the parser.
  const auto* inner = ast::As<ast::BinaryExpr>(expr.left);
  bool chained = inner != nullptr && inner->op >= ast::BinaryOp::kEqual && inner->op <= ast::BinaryOp::kGreaterEqual &&
                 expr.span.begin == inner->span.begin && !file_->Text(expr.span).starts_with("(");
  if (chained) return TypeTable::Bool();
  bool equality = expr.op == ast::BinaryOp::kEqual || expr.op == ast::BinaryOp::kNotEqual;
  if (!equality) {
    TypeId lower = types_.BaseOf(left);
    TypeId upper = types_.BaseOf(right);
    if (types_.IsNumber(lower) && types_.IsNumber(upper)) {
      TypeId common = Join(lower, upper);
      Convert(*expr.left, left, common);
      Convert(*expr.right, right, common);
      return TypeTable::Bool();
    }
    bool left_fits = types_.IsNumber(lower);
    Report(diag::kBadOperand, (left_fits ? expr.right : expr.left)->span, ast::OpText(expr.op),
           Shown(left_fits ? right : left));
    return TypeTable::Bool();
  }
  TypeId common = Join(left, right);
  if (common == kNoType || types_.ContainsPlan(common)) {
    diag::Builder builder = Report(diag::kIncomparable, expr.op_span, Shown(left), Shown(right));
    builder.Note(file_, expr.left->span, "this is " + Shown(left))
        .Note(file_, expr.right->span, "this is " + Shown(right));
    if (common != kNoType) builder.Help("plans have no equality");
    return TypeTable::Bool();
  }
  Convert(*expr.left, left, common);
  Convert(*expr.right, right, common);
  return TypeTable::Bool();
}

TypeId Checker::InferElse(const ast::BinaryExpr& expr, TypeId hint) {
  TypeId wanted = hint == kNoType ? kNoType : types_.Optional(hint);
  TypeId left = Infer(*expr.left, wanted);
  if (!types_.IsError(left) && !types_.IsOptional(left)) {
    Report(diag::kBadOperand, expr.left->span, "??", Shown(left)).Label("this is never `none`");
    Infer(*expr.right, left);
    return left;
  }
  TypeId inner = types_.WithoutOptional(left);
  TypeId right = Infer(*expr.right, inner == TypeTable::Never() ? hint : inner);
  TypeId common = Join(inner, right);
  if (common == kNoType) {
    Report(diag::kDifferentTypes, expr.span, Shown(inner), Shown(right)).Note(file_, expr.right->span, "the second");
    return TypeTable::Error();
  }
  if (types_.IsError(common)) return common;
  Convert(*expr.left, left, types_.Optional(common));
  Convert(*expr.right, right, common);
  return common;
}

TypeId Checker::InferArithmetic(const ast::BinaryExpr& expr, TypeId hint) {
  TypeId list_hint = hint != kNoType && types_.IsList(hint) ? hint : kNoType;
  TypeId left = Infer(*expr.left, list_hint);
  if (types_.IsList(left) && expr.op == ast::BinaryOp::kAdd) {
    TypeId right = Infer(*expr.right, left);
    TypeId common = Join(left, right);
    if (common == kNoType || (!types_.IsError(common) && !types_.IsList(common))) {
      diag::Builder builder = Report(diag::kTypeMismatch, expr.right->span, Shown(left), Shown(right));
      if (Retypes(right, types_.ElementOf(left))) {
        builder.Help("put it into a list: `[…]`")
            .Fix({expr.right->span.begin, expr.right->span.begin}, "[")
            .Fix({expr.right->span.end, expr.right->span.end}, "]");
      }
      return left;
    }
    Convert(*expr.left, left, common);
    Convert(*expr.right, right, common);
    return common;
  }
  TypeId right = Infer(*expr.right, kNoType);
  if (types_.IsError(left) || types_.IsError(right)) return TypeTable::Error();
  TypeId a = types_.BaseOf(left);
  TypeId b = types_.BaseOf(right);
  bool numbers = types_.IsNumber(a) && types_.IsNumber(b);
  if (expr.op == ast::BinaryOp::kRemainder) numbers = a == TypeTable::Int() && b == TypeTable::Int();
  if (!numbers) {
    bool left_fits = types_.IsNumber(a) && !(expr.op == ast::BinaryOp::kRemainder && a != TypeTable::Int());
    const ast::Expr& wrong = left_fits ? *expr.right : *expr.left;
    TypeId shown = left_fits ? right : left;
    diag::Builder builder = Report(diag::kBadOperand, wrong.span, ast::OpText(expr.op), Shown(shown));
    if (types_.BaseOf(shown) == TypeTable::Text()) builder.Help("to join texts, write a template: `\"{a} {b}\"`");
    if (types_.IsOptional(shown)) builder.Help("say what to use when there is none: `… ?? value`");
    return TypeTable::Error();
  }
  TypeId common = Join(a, b);
  Convert(*expr.left, left, common);
  Convert(*expr.right, right, common);
  return common;
}

}  // namespace jade::sema
