// if, match, fold, each, repeat, run, within, blocks.
#include <array>

#include "compiler/sema/checker.h"

namespace jade::sema {

bool Checker::CheckKnown(const ast::Expr& expr, TypeId type, const std::string& name) {
  if (Known(type)) return true;
  Report(diag::kUnknownElement, expr.span, types_.Name(type))
      .Help("write it: `let " + name + (types_.IsOptional(type) ? ": Text? = …`" : ": [Text] = …`"));
  return false;
}

TypeId Checker::CheckLetValue(const ast::LetStmt& let) {
  if (let.binding.type != nullptr) return CheckAs(*let.value, Resolve(*let.binding.type));
  const TypeId type = Infer(*let.value);
  return CheckKnown(*let.value, type, let.binding.name.text) ? type : TypeTable::Error();
}

void Checker::CheckLet(const ast::LetStmt& let) {
  Bind(let.binding, CheckLetValue(let));
}

TypeId Checker::InferBlock(const ast::Block& block, TypeId hint) {
  Scope scope(*this);
  for (const ast::LetStmt& let : block.lets) CheckLet(let);
  return hint != kNoType ? CheckAs(*block.result, hint) : Infer(*block.result);
}

TypeId Checker::InferIf(const ast::IfExpr& expr, TypeId hint) {
  std::vector<const ast::Expr*> bodies;
  for (const ast::IfArm& arm : expr.arms) {
    CheckAs(*arm.condition, TypeTable::Bool());
    bodies.push_back(arm.body.get());
  }
  if (expr.otherwise != nullptr) bodies.push_back(expr.otherwise.get());
  TypeId type = JoinAll(bodies, hint, expr.span);
  return expr.otherwise != nullptr ? type : TypeTable::Error();
}

void Checker::CheckPattern(const ast::Pattern& pattern, TypeId subject, std::vector<bool>& covered) {
  auto cover = [&](size_t index) {
    if (covered[index]) Report(diag::kUnreachableArm, pattern.span).Label("covered by an arm above");
    covered[index] = true;
  };
  auto poison = [&] {
    for (const ast::Binding& binding : pattern.bindings) Bind(binding, TypeTable::Error());
  };
  if (covered.empty()) return poison();
  switch (pattern.kind) {
    case ast::PatternKind::kWildcard: {
      bool all = true;
      for (bool one : covered) all = all && one;
      if (all) Report(diag::kUnreachableArm, pattern.span).Label("every case is covered above");
      covered.assign(covered.size(), true);
      return;
    }
    case ast::PatternKind::kNone:
    case ast::PatternKind::kSome:
      if (!types_.IsOptional(subject)) {
        Report(diag::kBadPattern, pattern.span, pattern.kind == ast::PatternKind::kNone ? "none" : "some",
               Shown(subject));
        return poison();
      }
      cover(pattern.kind == ast::PatternKind::kNone ? 0 : 1);
      if (pattern.kind == ast::PatternKind::kNone) return poison();
      if (pattern.bindings.size() != 1) {
        Report(diag::kPatternArity, pattern.span, "some", "1 value", std::to_string(pattern.bindings.size()));
        return poison();
      }
      Bind(pattern.bindings[0], types_.ElementOf(subject));
      return;
    case ast::PatternKind::kCase:
      break;
  }
  if (pattern.path.parts.empty() || pattern.path.parts.back().empty()) return poison();
  const ast::Name& name = pattern.path.parts.back();
  bool right_enum = types_.kind(subject) == TypeKind::kEnum &&
                    (pattern.path.parts.size() == 1 ||
                     pattern.path.parts[pattern.path.parts.size() - 2].text == types_[subject].name);
  int index = right_enum ? types_.CaseIndex(subject, name.text) : -1;
  if (index < 0) {
    std::vector<std::string_view> names;
    for (const types::EnumCase& enum_case : types_[subject].cases) names.push_back(enum_case.name);
    diag::Builder builder = Report(diag::kBadPattern, pattern.path.span, pattern.path.ToString(), Shown(subject));
    Suggest(builder, name, names);
    if (types_.IsOptional(subject)) builder.Help("an optional has `none` and `some(x)`");
    return poison();
  }
  cover(static_cast<size_t>(index));
  Info(pattern.id).symbol = {.kind = SymbolKind::kCase, .case_index = static_cast<uint32_t>(index), .type = subject};
  const std::vector<types::Field>& payload = types_[subject].cases[static_cast<size_t>(index)].payload;
  if (payload.size() != pattern.bindings.size()) {
    Report(diag::kPatternArity, pattern.span, name.text,
           payload.size() == 1 ? "1 value" : std::to_string(payload.size()) + " values",
           std::to_string(pattern.bindings.size()));
    return poison();
  }
  for (size_t i = 0; i < payload.size(); ++i) Bind(pattern.bindings[i], payload[i].type);
}

void Checker::CheckCovered(const ast::MatchExpr& expr, TypeId subject, const std::vector<bool>& covered) {
  std::string missing;
  for (size_t i = 0; i < covered.size(); ++i) {
    if (covered[i]) continue;
    std::string name = types_.IsOptional(subject) ? (i == 0 ? "none" : "some(x)") : types_[subject].cases[i].name;
    missing += (missing.empty() ? "`" : ", `") + name + "`";
  }
  if (missing.empty()) return;
  Report(diag::kNotExhaustive, expr.subject->span, missing).Help("add the missing arms, or `_ => …` for the rest");
}

TypeId Checker::InferMatch(const ast::MatchExpr& expr, TypeId hint) {
  TypeId subject = Infer(*expr.subject);
  std::vector<bool> covered;
  if (types_.IsOptional(subject)) {
    covered.assign(2, false);
  } else if (types_.kind(subject) == TypeKind::kEnum) {
    covered.assign(types_[subject].cases.size(), false);
  } else if (!types_.IsError(subject)) {
    Report(diag::kBadSubject, expr.subject->span, Shown(subject)).Help("use `if … { } else { }`");
  }
  bool known = !covered.empty();
  TypeId joined = hint;
  std::vector<TypeId> own;
  for (const ast::MatchArm& arm : expr.arms) {
    Scope scope(*this);
    CheckPattern(arm.pattern, subject, covered);
    if (hint != kNoType) {
      CheckAs(*arm.value, hint);
      continue;
    }
    own.push_back(Infer(*arm.value, Adapts(*arm.value, joined) ? joined : kNoType));
    TypeId next = joined == kNoType ? own.back() : Join(joined, own.back());
    if (next == kNoType) {
      Report(diag::kDifferentTypes, arm.value->span, Shown(joined), Shown(own.back()));
      next = TypeTable::Error();
    }
    joined = next;
  }
  for (size_t i = 0; i < own.size(); ++i) Convert(*expr.arms[i].value, own[i], joined);
  if (known) CheckCovered(expr, subject, covered);
  return joined == kNoType ? TypeTable::Error() : joined;
}

// The type of a fold's or repeat's state: as written, else what its place wants, else its first value's.
TypeId Checker::InferState(const ast::Binding& state, const ast::Expr& initial, TypeId hint) {
  TypeId type = state.type != nullptr ? Resolve(*state.type) : hint;
  if (type != kNoType) return CheckAs(initial, type);
  type = Infer(initial);
  if (Known(type)) return type;
  Report(diag::kUnknownElement, initial.span, types_.Name(type))
      .Help("write it: `with " + state.name.text + (types_.IsOptional(type) ? ": Text? = …`" : ": [Text] = …`"));
  return TypeTable::Error();
}

TypeId Checker::InferFold(const ast::FoldExpr& expr, TypeId hint) {
  TypeId element = ListElement(*expr.list);
  TypeId state = InferState(expr.state, *expr.initial, hint);
  Scope scope(*this);
  Bind(expr.element, element);
  Bind(expr.state, state);
  CheckAs(*expr.body, state);
  return state;
}

TypeId Checker::InferEach(const ast::EachExpr& expr, TypeId hint) {
  TypeId element = ListElement(*expr.list);
  Scope scope(*this);
  Bind(expr.element, element);
  TypeId wanted = hint != kNoType && types_.IsList(hint) ? types_.ElementOf(hint) : kNoType;
  TypeId value = wanted != kNoType ? CheckAs(*expr.body, wanted) : Infer(*expr.body);
  if (types_.IsError(value)) return value;
  if (types_.ContainsPlan(value)) {
    Report(diag::kPlanStored, expr.body->span, "a list").Note("`each` gives a list of what its body gives");
    return TypeTable::Error();
  }
  return types_.List(value);
}

TypeId Checker::InferRepeat(const ast::RepeatExpr& expr, TypeId hint) {
  CheckAs(*expr.limit, TypeTable::Int());
  TypeId state = InferState(expr.state, *expr.initial, hint);
  Scope scope(*this);
  Bind(expr.state, state);
  for (const ast::LetStmt& let : expr.body->lets) CheckLet(let);
  CheckAs(*expr.body->result, state);
  Info(expr.body->id).type = Info(expr.body->id).converted = state;
  if (expr.condition != nullptr) CheckAs(*expr.condition, TypeTable::Bool());
  return state;
}

TypeId Checker::InferRun(const ast::RunExpr& expr) {
  if (!place.pure.empty()) {
    Report(diag::kEffectHere, expr.span, place.pure, "run");
    return TypeTable::Error();
  }
  TypeId plan_type = TypeTable::Error();
  const auto* name = ast::As<ast::NameExpr>(expr.plan);
  Symbol symbol;
  if (name != nullptr && FindLocal(name->name.text) == nullptr) symbol = Lookup(name->name);
  if (symbol.kind == SymbolKind::kDeclaration &&
      program_.declarations[symbol.declaration].kind != ast::DeclKind::kParam) {
    plan_type = UseAsPlan(*expr.plan, symbol, name->name.text);
    Info(expr.plan->id).type = Info(expr.plan->id).converted = plan_type;
  } else if (name == nullptr || FindLocal(name->name.text) != nullptr || symbol.kind != SymbolKind::kNone) {
    plan_type = Infer(*expr.plan);
  }
  if (types_.IsError(plan_type)) {
    Infer(*expr.input);
    return TypeTable::Error();
  }
  if (!types_.IsPlan(plan_type)) {
    diag::Builder builder = Report(diag::kTypeMismatch, expr.plan->span, "a plan", Shown(plan_type));
    if (types_.IsOptional(plan_type)) builder.Help("say what to run when there is none: `run (p ?? Default) on …`");
    Infer(*expr.input);
    return TypeTable::Error();
  }
  CheckAs(*expr.input, types_[plan_type].element);
  return types_[plan_type].result;
}

TypeId Checker::InferWithin(const ast::WithinExpr& expr, TypeId hint) {
  static constexpr std::array<std::string_view, 4> kLimits = {"depth", "calls", "tokens", "seconds"};
  std::vector<std::string_view> seen;
  for (const ast::Limit& limit : expr.limits) {
    bool known = false;
    for (std::string_view name : kLimits) known = known || limit.name.text == name;
    if (!known) {
      Suggest(Report(diag::kUnknownLimit, limit.name.span, limit.name.text), limit.name,
              {kLimits.begin(), kLimits.end()});
      Infer(*limit.value);
      continue;
    }
    for (std::string_view name : seen) {
      if (name == limit.name.text) Report(diag::kArgumentTwice, limit.name.span, limit.name.text);
    }
    seen.push_back(limit.name.text);
    CheckAs(*limit.value, limit.name.text == "seconds" ? TypeTable::Float() : TypeTable::Int());
  }
  std::vector<const ast::Expr*> sides = {expr.body.get()};
  if (expr.fallback != nullptr) sides.push_back(expr.fallback.get());
  return JoinAll(sides, hint, expr.span);
}

}  // namespace jade::sema
