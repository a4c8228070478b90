// What names mean.
#include <algorithm>

#include "compiler/sema/checker.h"
#include "compiler/sema/elsewhere.h"

namespace jade::sema {

const Checker::Local* Checker::FindLocal(std::string_view name) const {
  auto found = std::find_if(locals_.rbegin(), locals_.rend(), [&](const Local& local) { return local.name == name; });
  return found == locals_.rend() ? nullptr : &*found;
}

void Checker::BindSymbol(std::string_view name, SymbolKind kind, TypeId type) {
  locals_.push_back({std::string(name), {.kind = kind, .type = type}, {}});
}

void Checker::Bind(const ast::Binding& binding, TypeId type) {
  BindName(binding.name, binding.id, type);
}

void Checker::BindName(const ast::Name& name, ast::NodeId id, TypeId type) {
  Info(id).type = Info(id).converted = type;
  if (name.empty() || name.text == "_") return;
  const Local* local = FindLocal(name.text);
  if (local != nullptr && !local->given) {
    diag::Builder builder = Report(diag::kShadowedName, name.span, name.text);
    if (local->span.end > 0) builder.Note(file_, local->span, "it is bound here");
  } else if (plan.planner == kNone && (module_.values.contains(name.text) || module_.aliases.contains(name.text))) {
    ReportHidden(name);
  }
  locals_.push_back({name.text, {.kind = SymbolKind::kLocal, .binding = id, .type = type}, name.span});
}

void Checker::ReportHidden(const ast::Name& name) {
  diag::Builder builder = Report(diag::kShadowedName, name.span, name.text);
  auto value = module_.values.find(name.text);
  if (value != module_.values.end()) builder.Label("the name of " + Kind(value->second));
}

void Checker::BindGiven(const ast::Name& name, ast::NodeId id, TypeId type) {
  Info(id).type = Info(id).converted = type;
  if (name.empty() || name.text == "_") return;
  if (module_.values.contains(name.text) || module_.aliases.contains(name.text)) ReportHidden(name);
  locals_.push_back(
      {.name = name.text, .symbol = {.kind = SymbolKind::kLocal, .binding = id, .type = type}, .given = true});
}

std::vector<std::string_view> Checker::ValueNames() const {
  std::vector<std::string_view> names;
  for (const Local& local : locals_) names.push_back(local.name);
  if (plan.planner != kNone) {
    for (uint32_t declaration : *plan.declarations) names.push_back(program_.declarations[declaration].name);
    return names;
  }
  for (const auto& [name, symbol] : module_.values) names.push_back(name);
  for (const BuiltinRow& row : AllBuiltins()) names.push_back(row.name);
  return names;
}

Symbol Checker::Lookup(const ast::Name& name) {
  if (name.empty()) return {};
  if (const Local* local = FindLocal(name.text)) return local->symbol;
  if (plan.planner != kNone) {
    for (uint32_t declaration : *plan.declarations) {
      if (program_.declarations[declaration].name != name.text) continue;
      return {.kind = SymbolKind::kDeclaration, .declaration = declaration};
    }
    Suggest(Report(diag::kUnknownStage, name.span, name.text, program_.declarations[plan.planner].name), name,
            ValueNames());
    return {};
  }
  auto value = module_.values.find(name.text);
  if (value != module_.values.end()) return value->second;
  if (!FindBuiltin(name.text).empty())
    return {.kind = SymbolKind::kBuiltin, .builtin = FindBuiltin(name.text)[0]->name};
  if (name.text == "penalty") return {.kind = SymbolKind::kBuiltin, .builtin = "penalty"};
  if (name.text == "calls") return {.kind = SymbolKind::kBuiltin, .builtin = "calls"};
  auto type = module_.types.find(name.text);
  if (type != module_.types.end()) {
    Report(diag::kNotAValue, name.span, name.text, "a type");
    return {};
  }
  if (module_.aliases.contains(name.text)) {
    Report(diag::kNotAValue, name.span, name.text, "a module");
    return {};
  }
  diag::Builder unknown = Report(diag::kUnknownName, name.span, name.text);
  if (const std::string_view ours = OurWord(name.text); !ours.empty()) {
    unknown.Help("write `" + std::string(ours) + "`").Fix(name.span, std::string(ours));
  } else if (const std::string_view home = StandardModuleOf(name.text); !home.empty()) {
    unknown.Help("`" + std::string(home) + "` declares it: `use " + std::string(home) + "`");
  } else {
    Suggest(unknown, name, ValueNames());
  }
  return {};
}

// `rag.QR`, `Step.Ask`: what a member of a module or enum means; nothing when the base is a value.
std::optional<Symbol> Checker::MemberOf(const ast::FieldExpr& expr, bool* reported) {
  *reported = false;
  if (plan.planner != kNone) return std::nullopt;
  const CheckedModule* from = &module_;
  const ast::NameExpr* base = ast::As<ast::NameExpr>(expr.base);
  if (const auto* outer = ast::As<ast::FieldExpr>(expr.base)) {  // rag.Step.Ask
    const auto* module_name = ast::As<ast::NameExpr>(outer->base);
    if (module_name == nullptr || FindLocal(module_name->name.text) != nullptr) return std::nullopt;
    auto alias = module_.aliases.find(module_name->name.text);
    if (alias == module_.aliases.end()) return std::nullopt;
    from = program_.modules[alias->second].get();
    auto type = from->types.find(outer->name.text);
    if (type == from->types.end() || types_.kind(type->second) != TypeKind::kEnum) return std::nullopt;
    Symbol symbol = CaseOf(type->second, expr.name.text);
    if (symbol.kind == SymbolKind::kNone) {
      Report(diag::kBadPattern, expr.name.span, expr.name.text, Shown(type->second));
      *reported = true;
    }
    return symbol;
  }
  if (base == nullptr || FindLocal(base->name.text) != nullptr) return std::nullopt;
  auto alias = module_.aliases.find(base->name.text);
  if (alias != module_.aliases.end()) {
    from = program_.modules[alias->second].get();
    auto value = from->values.find(expr.name.text);
    if (value != from->values.end()) return value->second;
    std::vector<std::string_view> names;
    for (const auto& [name, symbol] : from->values) names.push_back(name);
    Suggest(Report(diag::kUnknownMember, expr.name.span, from->name, expr.name.text), expr.name, names);
    *reported = true;
    return Symbol{};
  }
  auto type = from->types.find(base->name.text);
  if (type == from->types.end() || types_.kind(type->second) != TypeKind::kEnum) return std::nullopt;
  Symbol symbol = CaseOf(type->second, expr.name.text);
  if (symbol.kind == SymbolKind::kNone) {
    std::vector<std::string_view> names;
    for (const types::EnumCase& enum_case : types_[type->second].cases) names.push_back(enum_case.name);
    Suggest(Report(diag::kBadPattern, expr.name.span, expr.name.text, Shown(type->second)), expr.name, names);
    *reported = true;
  }
  return symbol;
}

Symbol Checker::CaseOf(TypeId hint, std::string_view name) const {
  if (hint == kNoType) return {};
  TypeId enumeration = types_.WithoutOptional(hint);
  if (types_.kind(enumeration) != TypeKind::kEnum) return {};
  int index = types_.CaseIndex(enumeration, name);
  if (index < 0) return {};
  return {.kind = SymbolKind::kCase, .case_index = static_cast<uint32_t>(index), .type = enumeration};
}

std::string Checker::Kind(const Symbol& symbol) const {
  switch (symbol.kind) {
    case SymbolKind::kDeclaration: {
      std::string kind(ast::DeclKindName(program_.declarations[symbol.declaration].kind));
      return (kind == "executor" ? "an " : "a ") + kind;
    }
    case SymbolKind::kRecord:
      return "a record";
    case SymbolKind::kNominal:
      return "a type";
    case SymbolKind::kCase:
      return "an enum case";
    case SymbolKind::kBuiltin:
      return "a builtin function";
    case SymbolKind::kNone:
      return "nothing";
    default:
      return "a value";
  }
}

// A declaration where a plan is expected.
TypeId Checker::UseAsPlan(const ast::Expr& expr, const Symbol& symbol, const std::string& name) {
  const Declaration& declaration = program_.declarations[symbol.declaration];
  const types::Parameter* sole = declaration.signature.SoleRequired();
  if (sole == nullptr) {
    Report(diag::kNotAPlan, expr.span, name)
        .Note("it is `" + name + types::SignatureText(declaration.signature, types_) + "`");
    return TypeTable::Error();
  }
  NodeInfo& info = Info(expr.id);
  info.symbol = symbol;
  info.conversion = Conversion::kToPlan;
  return types_.Plan(sole->type, declaration.signature.result);
}

// A name that stands for a value by itself.
TypeId Checker::UseSymbol(const ast::Expr& expr, const Symbol& symbol, const std::string& name, TypeId hint) {
  Info(expr.id).symbol = symbol;
  switch (symbol.kind) {
    case SymbolKind::kNone:
      return TypeTable::Error();
    case SymbolKind::kLocal:
    case SymbolKind::kResult:
    case SymbolKind::kRaw:
    case SymbolKind::kInput:
      return symbol.type;
    case SymbolKind::kDeclaration: {
      const Declaration& declaration = program_.declarations[symbol.declaration];
      if (declaration.kind == ast::DeclKind::kParam) return declaration.signature.result;
      bool runnable = declaration.kind != ast::DeclKind::kReward;
      if (runnable && hint != kNoType && types_.IsPlan(types_.WithoutOptional(hint))) {
        return UseAsPlan(expr, symbol, name);
      }
      break;
    }
    case SymbolKind::kCase: {
      const types::EnumCase& enum_case = types_[symbol.type].cases[symbol.case_index];
      if (enum_case.payload.empty()) return symbol.type;
      Report(diag::kMissingArgument, expr.span, name, enum_case.payload[0].name);
      return TypeTable::Error();
    }
    default:
      break;
  }
  Report(diag::kNotAValue, expr.span, name, Kind(symbol)).Help("call it: `" + name + "(…)`");
  return TypeTable::Error();
}

TypeId Checker::InferName(const ast::NameExpr& expr, TypeId hint) {
  if (FindLocal(expr.name.text) == nullptr && plan.planner == kNone && !module_.values.contains(expr.name.text)) {
    Symbol symbol = CaseOf(hint, expr.name.text);
    if (symbol.kind == SymbolKind::kCase) return UseSymbol(expr, symbol, expr.name.text, hint);
  }
  return UseSymbol(expr, Lookup(expr.name), expr.name.text, hint);
}

TypeId Checker::InferField(const ast::FieldExpr& expr, TypeId hint) {
  bool reported = false;
  if (std::optional<Symbol> symbol = MemberOf(expr, &reported)) {
    return reported ? TypeTable::Error() : UseSymbol(expr, *symbol, expr.name.text, hint);
  }
  TypeId base = Infer(*expr.base);
  if (types_.IsError(base) || expr.name.empty()) return TypeTable::Error();
  if (types_.kind(base) != TypeKind::kRecord) {
    diag::Builder builder = Report(diag::kNotARecord, expr.span, Shown(base));
    if (types_.IsOptional(base)) {
      builder.Help("take the value out first, with `??` or `match`");
    } else if (!FindBuiltin(expr.name.text).empty()) {
      builder.Help("a function takes its value as an argument: `" + expr.name.text + "(…)`");
    }
    return TypeTable::Error();
  }
  int index = types_.FieldIndex(base, expr.name.text);
  if (index < 0) {
    std::vector<std::string_view> names;
    for (const types::Field& field : types_[base].fields) names.push_back(field.name);
    Suggest(Report(diag::kNoSuchField, expr.name.span, Shown(base), expr.name.text), expr.name, names);
    return TypeTable::Error();
  }
  Info(expr.id).field = index;
  return types_[base].fields[static_cast<size_t>(index)].type;
}

}  // namespace jade::sema
