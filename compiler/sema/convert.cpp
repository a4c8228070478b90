// How types turn into each other, and types as written.
#include "compiler/sema/checker.h"
#include "compiler/sema/elsewhere.h"
#include "compiler/source/suggest.h"

namespace jade::sema {

bool Checker::Retypes(TypeId from, TypeId to) const {
  if (from == to || types_.IsError(from) || types_.IsError(to) || from == TypeTable::Never()) return true;
  if (types_.IsOptional(to)) return Retypes(types_.WithoutOptional(from), types_.ElementOf(to));
  if (types_.IsOptional(from)) return false;
  if (types_.IsList(from) && types_.IsList(to)) return Retypes(types_.ElementOf(from), types_.ElementOf(to));
  for (TypeId base = from; types_.kind(base) == TypeKind::kNominal;) {
    base = types_.ElementOf(base);
    if (base == to) return true;
  }
  return types_.ContainsError(from) || types_.ContainsError(to);
}

// Records that the expression's value becomes a `to`; false when it cannot.
bool Checker::Convert(const ast::Expr& expr, TypeId from, TypeId to) {
  NodeInfo& info = Info(expr.id);
  if (Retypes(from, to)) {
    info.converted = to;
    if (from != to && info.conversion == Conversion::kNone) info.conversion = Conversion::kRetype;
    return true;
  }
  if (types_.BaseOf(from) == TypeTable::Int() && types_.WithoutOptional(to) == TypeTable::Float()) {
    info.converted = to;
    info.conversion = Conversion::kIntToFloat;
    return true;
  }
  return false;
}

TypeId Checker::CheckAs(const ast::Expr& expr, TypeId target) {
  TypeId type = Infer(expr, target);
  if (target == kNoType || Convert(expr, type, target)) return target;
  diag::Builder builder = Report(diag::kTypeMismatch, expr.span, Shown(target), Shown(type));
  if (types_.IsOptional(type) && Retypes(types_.ElementOf(type), target)) {
    builder.Help("say what to use when there is none: `… ?? value`, or use `match`");
  } else if (types_.kind(target) == TypeKind::kNominal && Retypes(type, types_.BaseOf(target))) {
    builder.Help("make one: `" + types_.Name(target) + "(…)`")
        .Fix({expr.span.begin, expr.span.begin}, types_.Name(target) + "(")
        .Fix({expr.span.end, expr.span.end}, ")");
  }
  Info(expr.id).converted = target;
  return target;
}

TypeId Checker::Join(TypeId a, TypeId b) {
  if (types_.IsError(a) || types_.IsError(b)) return TypeTable::Error();
  if (Retypes(a, b) && (types_.kind(a) != TypeKind::kNominal || a == b)) return b;
  if (Retypes(b, a) && (types_.kind(b) != TypeKind::kNominal || a == b)) return a;
  if (types_.IsNumber(a) && types_.IsNumber(b)) return TypeTable::Float();
  if (types_.IsOptional(a) != types_.IsOptional(b) || (types_.IsOptional(a) && types_.IsOptional(b))) {
    TypeId inner = Join(types_.WithoutOptional(a), types_.WithoutOptional(b));
    if (inner != kNoType) return types_.Optional(inner);
  }
  return kNoType;
}

// True for a literal that takes on the type of what it stands beside.
bool Checker::Adapts(const ast::Expr& expr, TypeId hint) const {
  if (hint == kNoType) return false;
  TypeId base = types_.BaseOf(types_.WithoutOptional(hint));
  switch (expr.kind) {
    case ast::ExprKind::kTemplate:
      return ast::As<ast::Template>(&expr)->is_literal() && base == TypeTable::Text();
    case ast::ExprKind::kInt:
      return base == TypeTable::Int();
    case ast::ExprKind::kFloat:
      return base == TypeTable::Float();
    case ast::ExprKind::kBool:
      return base == TypeTable::Bool();
    case ast::ExprKind::kNone:
      return types_.IsOptional(hint);
    case ast::ExprKind::kList:
      return types_.IsList(hint) && ast::As<ast::ListExpr>(&expr)->elements.empty();
    case ast::ExprKind::kBlock:
      return Adapts(*ast::As<ast::Block>(&expr)->result, hint);
    default:
      return false;
  }
}

TypeId Checker::JoinAll(const std::vector<const ast::Expr*>& exprs, TypeId hint, source::Span span) {
  if (hint != kNoType) {
    for (const ast::Expr* expr : exprs) CheckAs(*expr, hint);
    return hint;
  }
  std::vector<TypeId> own;
  TypeId joined = TypeTable::Never();
  for (const ast::Expr* expr : exprs) {
    // A literal adapts to the nominal type of what came before it.
    TypeId type = Infer(*expr, Adapts(*expr, joined) ? joined : kNoType);
    own.push_back(type);
    TypeId next = Join(joined, type);
    if (next == kNoType) {
      Report(diag::kDifferentTypes, span, Shown(joined), Shown(type)).Note(file_, expr->span, "this is the second");
      return TypeTable::Error();
    }
    joined = next;
  }
  for (size_t i = 0; i < exprs.size(); ++i) Convert(*exprs[i], own[i], joined);
  return joined;
}

bool Checker::Known(TypeId type) const {
  while (types_.IsList(type) || types_.IsOptional(type)) type = types_.ElementOf(type);
  return type != TypeTable::Never();
}

TypeId Checker::ListElement(const ast::Expr& list) {
  TypeId type = Infer(list);
  if (types_.IsError(type)) return type;
  if (types_.IsList(type)) return types_.ElementOf(type);
  diag::Builder builder = Report(diag::kNotAList, list.span, Shown(type));
  if (type == TypeTable::Int()) builder.Help("to count, use `range(…)`");
  return TypeTable::Error();
}

TypeId Checker::Resolve(const ast::Type& type) {
  TypeId resolved = TypeTable::Error();
  switch (type.form) {
    case ast::TypeForm::kError:
      break;
    case ast::TypeForm::kList: {
      TypeId element = Resolve(*type.element);
      if (types_.ContainsPlan(element)) {
        Report(diag::kPlanStored, type.span, "a list");
        break;
      }
      resolved = types_.IsError(element) ? element : types_.List(element);
      break;
    }
    case ast::TypeForm::kOptional: {
      TypeId element = Resolve(*type.element);
      if (types_.IsOptional(element)) {
        Report(diag::kNestedOptional, type.span).Help("one `?` is enough");
        resolved = element;
        break;
      }
      resolved = types_.Optional(element);
      break;
    }
    case ast::TypeForm::kNamed: {
      if (type.name.parts.empty() || type.name.parts.back().empty()) break;
      const ast::Name& name = type.name.parts.back();
      if (type.name.parts.size() == 1 && name.text == "Plan") {
        std::vector<TypeId> sides;
        for (const ast::TypePtr& argument : type.arguments) sides.push_back(Resolve(*argument));
        if (sides.size() != 2) {
          Report(diag::kTypeArguments, type.span, "Plan", 2, sides.size()).Help("write `Plan<Query, Answer>`");
          break;
        }
        resolved = types_.Plan(sides[0], sides[1]);
        break;
      }
      const CheckedModule* from = &module_;
      if (type.name.parts.size() > 1) {
        const ast::Name& qualifier = type.name.parts.front();
        auto alias = module_.aliases.find(qualifier.text);
        if (alias == module_.aliases.end() || type.name.parts.size() > 2) {
          Report(diag::kUnknownType, type.name.span, type.name.ToString());
          break;
        }
        from = program_.modules[alias->second].get();
      }
      auto found = from->types.find(name.text);
      if (found == from->types.end()) {
        std::vector<std::string_view> names = {"Text", "Int", "Float", "Bool", "Plan"};
        for (const auto& [candidate, id] : from->types) names.push_back(candidate);
        diag::Builder unknown = Report(diag::kUnknownType, name.span, type.name.ToString());
        if (const std::string_view help = TypeElsewhere(name.text); !help.empty()) {
          unknown.Help(std::string(help));
        } else if (const std::string_view home = StandardModuleOf(name.text); !home.empty()) {
          unknown.Help("`" + std::string(home) + "` declares it: `use " + std::string(home) + "`");
        } else {
          Suggest(unknown, name, names);
        }
        break;
      }
      resolved = found->second;
      if (!type.arguments.empty()) {
        Report(diag::kTypeArguments, type.span, name.text, 0, type.arguments.size());
        resolved = TypeTable::Error();
      }
      break;
    }
  }
  Info(type.id).type = resolved;
  return resolved;
}

void Checker::Suggest(diag::Builder builder, const ast::Name& name, const std::vector<std::string_view>& candidates) {
  std::string_view best = source::Nearest(name.text, candidates);
  if (best.empty()) return;
  builder.Help("did you mean `" + std::string(best) + "`?").Fix(name.span, std::string(best));
}

}  // namespace jade::sema
