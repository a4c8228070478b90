// Calls: arguments to parameters, constructors, builtins.
#include <algorithm>

#include "compiler/sema/checker.h"

namespace jade::sema {

namespace {

// "its parameters are `a`, `b`", or that there are none.
std::string Listed(std::string_view intro, const std::vector<std::string_view>& names) {
  if (names.empty()) return "it has no parameters";
  std::string text(intro);
  for (size_t i = 0; i < names.size(); ++i) text += fmt::format("{} `{}`", i == 0 ? "" : ",", names[i]);
  return text;
}

std::string Count(size_t count, std::string_view what) {
  return std::to_string(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

std::vector<std::string> SplitNames(std::string_view list) {
  std::vector<std::string> names;
  while (!list.empty()) {
    size_t comma = list.find(", ");
    names.emplace_back(list.substr(0, comma));
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 2);
  }
  return names;
}

}  // namespace

TypeId Checker::CallNothing(const ast::CallExpr& expr) {
  for (const ast::Argument& argument : expr.arguments) Infer(*argument.value);
  return TypeTable::Error();
}

bool Checker::MayCall(source::Span span, const Symbol& symbol) {
  const Declaration& declaration = program_.declarations[symbol.declaration];
  if (place.pure.empty() || declaration.kind == ast::DeclKind::kReward) return true;
  Report(diag::kEffectHere, span, place.pure, declaration.name);
  return false;
}

TypeId Checker::InferCall(const ast::CallExpr& expr, TypeId hint) {
  Symbol symbol;
  std::string name;
  if (const auto* callee = ast::As<ast::NameExpr>(expr.callee)) {
    name = callee->name.text;
    bool known = FindLocal(name) != nullptr || plan.planner != kNone || module_.values.contains(name);
    if (!known) symbol = CaseOf(hint, name);
    if (symbol.kind == SymbolKind::kNone) symbol = Lookup(callee->name);
    if (symbol.kind == SymbolKind::kNone) return CallNothing(expr);
  } else if (const auto* member = ast::As<ast::FieldExpr>(expr.callee)) {
    bool reported = false;
    name = member->name.text;
    std::optional<Symbol> found = MemberOf(*member, &reported);
    if (reported) return CallNothing(expr);
    if (found) symbol = *found;
  }
  Info(expr.callee->id).symbol = symbol;
  switch (symbol.kind) {
    case SymbolKind::kDeclaration:
      return CallDeclaration(expr, symbol);
    case SymbolKind::kRecord:
    case SymbolKind::kNominal:
    case SymbolKind::kCase:
      return CallConstructor(expr, symbol);
    case SymbolKind::kBuiltin:
      if (symbol.builtin == "penalty" || symbol.builtin == "calls") return CallTestFunction(expr, symbol.builtin);
      return CallBuiltin(expr, symbol.builtin);
    default:
      break;
  }
  TypeId type = Infer(*expr.callee);
  if (!types_.IsError(type)) {
    diag::Builder builder = Report(diag::kNotCallable, expr.callee->span, Shown(type));
    if (types_.IsPlan(type)) builder.Help("run it: `run " + name + " on …`");
  }
  return CallNothing(expr);
}

void Checker::BindArguments(const ast::CallExpr& expr, const std::string& name,
                            const std::vector<types::Parameter>& parameters,
                            const std::vector<const ast::Expr*>& defaults, CallInfo& info) {
  info.arguments.assign(parameters.size(), {});
  size_t next = 0;
  bool named = false;
  bool wrong = false;  // a parameter may be missing because its argument went astray
  for (const ast::Argument& argument : expr.arguments) {
    size_t index = parameters.size();
    if (argument.name) {
      named = true;
      for (size_t i = 0; i < parameters.size(); ++i) {
        if (parameters[i].name == argument.name->text) index = i;
      }
      if (index == parameters.size()) {
        std::vector<std::string_view> names;
        for (const types::Parameter& parameter : parameters) names.push_back(parameter.name);
        diag::Builder unknown = Report(diag::kUnknownParameter, argument.name->span, name, argument.name->text);
        unknown.Help(Listed("its parameters are", names));
        Suggest(unknown, *argument.name, names);
      }
    } else if (named) {
      Report(diag::kPositionalAfterNamed, argument.span);
    } else if (next < parameters.size()) {
      index = next++;
    } else if (next++ == parameters.size()) {
      std::vector<std::string_view> names;
      for (const types::Parameter& parameter : parameters) names.push_back(parameter.name);
      Report(diag::kTooManyArguments, argument.span, name, Count(parameters.size(), "argument"), expr.arguments.size())
          .Help(Listed("its parameters are", names));
    }
    if (index == parameters.size()) {
      wrong = true;
      Infer(*argument.value);
      continue;
    }
    if (info.arguments[index].value != nullptr) {
      Report(diag::kArgumentTwice, argument.span, parameters[index].name);
      Infer(*argument.value);
      continue;
    }
    info.arguments[index].value = argument.value.get();
    CheckAs(*argument.value, parameters[index].type);
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (info.arguments[i].value != nullptr) continue;
    if (parameters[i].has_default) {
      info.arguments[i] = {defaults[i], true};
    } else if (!wrong) {
      Report(diag::kMissingArgument, expr.span, name, parameters[i].name)
          .Label("`" + parameters[i].name + ": " + types_.Name(parameters[i].type) + "` is missing");
      wrong = true;
    }
  }
}

TypeId Checker::CallDeclaration(const ast::CallExpr& expr, const Symbol& symbol) {
  const Declaration& declaration = program_.declarations[symbol.declaration];
  if (declaration.kind == ast::DeclKind::kParam) {
    Report(diag::kNotCallable, expr.callee->span, "the param `" + declaration.name + "`");
    return CallNothing(expr);
  }
  bool allowed = MayCall(expr.callee->span, symbol);
  std::vector<const ast::Expr*> defaults;
  for (const ast::Parameter& parameter : ast::AsCallable(declaration.decl)->parameters) {
    defaults.push_back(parameter.default_value.get());
  }
  CallInfo info{.callee = symbol};
  types::Signature signature = declaration.signature;
  BindArguments(expr, declaration.name, signature.parameters, defaults, info);
  tables_.calls[expr.id.index] = std::move(info);
  return allowed ? signature.result : TypeTable::Error();
}

TypeId Checker::CallConstructor(const ast::CallExpr& expr, const Symbol& symbol) {
  const types::TypeInfo& type = types_[symbol.type];
  std::vector<types::Parameter> parameters;
  std::string name = type.name;
  if (symbol.kind == SymbolKind::kNominal) {
    parameters.push_back({.name = "value", .type = types_.BaseOf(symbol.type)});
  } else {
    const std::vector<types::Field>& fields =
        symbol.kind == SymbolKind::kRecord ? type.fields : type.cases[symbol.case_index].payload;
    for (const types::Field& field : fields) parameters.push_back({.name = field.name, .type = field.type});
    if (symbol.kind == SymbolKind::kCase) name = type.cases[symbol.case_index].name;
  }
  CallInfo info{.callee = symbol};
  BindArguments(expr, name, parameters, std::vector<const ast::Expr*>(parameters.size(), nullptr), info);
  tables_.calls[expr.id.index] = std::move(info);
  return symbol.type;
}

// A builtin's signature is read from left to right; lists of `a` fix what `a` is.
TypeId Checker::CallBuiltin(const ast::CallExpr& expr, std::string_view name) {
  std::vector<const BuiltinRow*> rows = FindBuiltin(name);
  const BuiltinRow* row = rows[0];
  std::vector<std::string> parameters = SplitNames(row->parameters);
  for (const ast::Argument& argument : expr.arguments) {
    if (!argument.name) continue;
    Report(diag::kUnknownParameter, argument.name->span, name, argument.name->text)
        .Help("arguments of builtin functions have no names");
    return CallNothing(expr);
  }
  if (expr.arguments.size() > parameters.size()) {
    Report(diag::kTooManyArguments, expr.arguments[parameters.size()].span, name, Count(parameters.size(), "argument"),
           expr.arguments.size());
    return CallNothing(expr);
  }
  if (expr.arguments.size() < parameters.size()) {
    Report(diag::kMissingArgument, expr.span, name, parameters[expr.arguments.size()]);
    return CallNothing(expr);
  }
  CallInfo info;
  std::vector<TypeId> types;
  const ast::Expr& head = *expr.arguments[0].value;
  TypeId first = kNoType;
  if (rows.size() > 1) {  // the first argument chooses
    first = Infer(head);
    if (types_.IsError(first)) {
      for (size_t i = 1; i < expr.arguments.size(); ++i) Infer(*expr.arguments[i].value);
      return first;
    }
    if (types_.BaseOf(first) == TypeTable::Text()) row = rows[1];
  }
  info.callee = {.kind = SymbolKind::kBuiltin, .builtin = row->operation};
  TypeId any = kNoType;
  TypeId number = TypeTable::Int();
  std::vector<std::pair<const ast::Expr*, TypeId>> numbers;
  std::string_view signature = row->signature;
  size_t at = 0;
  bool poisoned = false;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const ast::Expr& argument = *expr.arguments[i].value;
    info.arguments.push_back({&argument, false});
    bool list = signature[at] == '[';
    char code = list ? signature[at + 1] : signature[at];
    at += list ? 3 : 1;
    if (code == 'a' || code == 'N') {
      TypeId type = i == 0 && first != kNoType ? first : kNoType;
      if (list) {
        TypeId element = type == kNoType ? ListElement(argument) : kNoType;
        if (type != kNoType) {
          if (!types_.IsList(type)) {
            Report(diag::kTypeMismatch, argument.span, "a list or a text", Shown(type));
            for (size_t j = 1; j < expr.arguments.size(); ++j) Infer(*expr.arguments[j].value);
            return TypeTable::Error();
          }
          element = types_.ElementOf(type);
        }
        if (code == 'a') any = element;
        if (code == 'N') {
          number = types_.BaseOf(element);
          poisoned = types_.IsError(number);
          if (number == TypeTable::Never()) number = TypeTable::Int();
          if (!poisoned && !types_.IsNumber(number)) {
            Report(diag::kTypeMismatch, argument.span, "numbers", Shown(types_.List(element)));
            return TypeTable::Error();
          }
        }
      } else if (code == 'a') {
        CheckAs(argument, any);
      } else {
        TypeId own = Infer(argument);
        TypeId base = types_.BaseOf(own);
        poisoned = poisoned || types_.IsError(base);
        if (!types_.IsError(base) && !types_.IsNumber(base)) {
          Report(diag::kTypeMismatch, argument.span, "a number", Shown(own));
          poisoned = true;
        }
        if (base == TypeTable::Float()) number = base;
        numbers.emplace_back(&argument, own);
      }
      continue;
    }
    TypeId wanted = code == 'T'   ? TypeTable::Text()
                    : code == 'I' ? TypeTable::Int()
                    : code == 'F' ? TypeTable::Float()
                                  : TypeTable::Bool();
    CheckAs(argument, list ? types_.List(wanted) : wanted);
  }
  if (poisoned) return TypeTable::Error();
  for (auto& [argument, own] : numbers) Convert(*argument, own, number);
  if (row->swapped) std::swap(info.arguments[0], info.arguments[1]);
  tables_.calls[expr.id.index] = std::move(info);
  std::string_view result = signature.substr(at + 1);
  bool list = result[0] == '[';
  bool optional = result.back() == '?';
  char code = list ? result[1] : result[0];
  TypeId type = code == 'T'   ? TypeTable::Text()
                : code == 'I' ? TypeTable::Int()
                : code == 'F' ? TypeTable::Float()
                : code == 'B' ? TypeTable::Bool()
                : code == 'N' ? number
                              : any;
  if (types_.IsError(type)) return type;
  if (list) type = types_.List(type);
  return optional ? types_.Optional(type) : type;
}

// penalty(QR), calls(R): about the calls a test has made.
TypeId Checker::CallTestFunction(const ast::CallExpr& expr, std::string_view name) {
  TypeId result = name == "calls" ? TypeTable::Int() : TypeTable::Float();
  if (!place.test) {
    Report(diag::kTestOnly, expr.callee->span, name);
    return TypeTable::Error();
  }
  if (expr.arguments.size() != 1) {
    Report(diag::kTooManyArguments, expr.span, name, "1 argument", expr.arguments.size());
    return CallNothing(expr);
  }
  const ast::Expr& argument = *expr.arguments[0].value;
  const auto* role = ast::As<ast::NameExpr>(&argument);
  Symbol symbol = role != nullptr ? Lookup(role->name) : Symbol{};
  bool fits = symbol.kind == SymbolKind::kDeclaration;
  if (fits) {
    ast::DeclKind kind = program_.declarations[symbol.declaration].kind;
    fits = kind == ast::DeclKind::kExecutor || kind == ast::DeclKind::kPlanner ||
           (kind == ast::DeclKind::kTool && name == "calls");
  }
  if (!fits) {
    if (role == nullptr || symbol.kind != SymbolKind::kNone) {
      Report(diag::kTypeMismatch, argument.span, "the name of a role", role != nullptr ? Kind(symbol) : "a value");
    }
    return result;
  }
  NodeInfo& info = Info(argument.id);
  info.symbol = symbol;
  info.type = info.converted = TypeTable::Error();
  CallInfo call{.callee = {.kind = SymbolKind::kBuiltin, .builtin = name}};
  call.role = symbol.declaration;
  tables_.calls[expr.id.index] = std::move(call);
  return result;
}

}  // namespace jade::sema
