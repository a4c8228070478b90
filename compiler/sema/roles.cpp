// Executors, planners and tools: clauses, output formats, settings, stages.
#include <array>
#include <cmath>
#include <functional>
#include <set>

#include "compiler/sema/declare.h"
#include "compiler/sema/pipeline.h"

namespace jade::sema {

namespace {

std::optional<double> Constant(const ast::Expr& expr) {
  if (const auto* number = ast::As<ast::FloatLiteral>(&expr)) return number->value;
  if (const auto* number = ast::As<ast::IntLiteral>(&expr)) return static_cast<double>(number->value);
  if (const auto* unary = ast::As<ast::UnaryExpr>(&expr); unary != nullptr && unary->op == ast::UnaryOp::kNegate) {
    std::optional<double> inner = Constant(*unary->operand);
    if (inner) return -*inner;
  }
  return std::nullopt;
}

struct NumberRange {
  double least;
  double most;
  bool whole;
  std::string_view text;  // "a number of at least 0"
};

std::optional<double> NumberOf(const ast::Expr& expr, std::string_view name, const NumberRange& range,
                               Checker& checker) {
  if (expr.kind == ast::ExprKind::kError) return std::nullopt;
  std::optional<double> value = Constant(expr);
  bool fits = value && *value >= range.least && *value <= range.most && (!range.whole || *value == std::floor(*value));
  if (!fits) checker.Report(diag::kNotConstant, expr.span, name, range.text);
  return fits ? value : std::nullopt;
}

constexpr NumberRange kNotNegative = {0, 1e9, false, "a number of at least 0, written out"};
constexpr NumberRange kCount = {1, 1e9, true, "a whole number of at least 1, written out"};

void CheckSample(const std::vector<ast::Setting>& settings, Sampling& sampling, Checker& checker) {
  static constexpr std::array<std::string_view, 5> kNames = {"temperature", "top_p", "top_k", "max_tokens", "stop"};
  std::set<std::string> seen;
  for (const ast::Setting& setting : settings) {
    const std::string& name = setting.name.text;
    if (!seen.insert(name).second) checker.Report(diag::kArgumentTwice, setting.name.span, name);
    if (name == "temperature") {
      sampling.temperature = NumberOf(*setting.value, name, kNotNegative, checker);
    } else if (name == "top_p") {
      sampling.top_p = NumberOf(*setting.value, name, {1e-9, 1, false, "a number above 0 and at most 1"}, checker);
    } else if (name == "top_k") {
      sampling.top_k = NumberOf(*setting.value, name, kCount, checker);
    } else if (name == "max_tokens") {
      sampling.max_tokens = NumberOf(*setting.value, name, kCount, checker);
    } else if (name == "stop") {
      std::vector<const ast::Expr*> texts = {setting.value.get()};
      if (const auto* list = ast::As<ast::ListExpr>(setting.value)) {
        texts.clear();
        for (const ast::ExprPtr& item : list->elements) texts.push_back(item.get());
      }
      for (const ast::Expr* text : texts) {
        const auto* literal = ast::As<ast::Template>(text);
        if (literal == nullptr || !literal->is_literal() || literal->literal().empty()) {
          checker.Report(diag::kNotConstant, text->span, name, "a text or a list of texts, written out");
        } else {
          sampling.stop.emplace_back(literal->literal());
        }
      }
    } else if (!name.empty()) {
      checker.Suggest(checker.Report(diag::kUnknownSetting, setting.name.span, name, "`sample`"), setting.name,
                      {kNames.begin(), kNames.end()});
    }
  }
}

// The type a tag's text is read as: a scalar.
TypeId ReadAs(const ast::Type& type, Checker& checker, const TypeTable& types) {
  TypeId resolved = checker.Resolve(type);
  TypeId base = types.BaseOf(resolved);
  if (types.IsError(base) || base == TypeTable::Text() || base == TypeTable::Bool() || types.IsNumber(base)) {
    return resolved;
  }
  checker.Report(diag::kPlanFormat, type.span,
                 "a tag holds a Text, Int, Float, Bool or a nominal type of those, not " + checker.Shown(resolved));
  return TypeTable::Error();
}

bool Gives(TypeId from, TypeId to, const TypeTable& types) {
  if (from == to || types.ContainsError(from) || types.ContainsError(to)) return true;
  if (types.IsOptional(to)) return Gives(types.WithoutOptional(from), types.ElementOf(to), types);
  if (types.IsList(from) && types.IsList(to)) return Gives(types.ElementOf(from), types.ElementOf(to), types);
  return types.kind(from) == TypeKind::kNominal && Gives(types.ElementOf(from), to, types);
}

void CheckAlternatives(const ast::Emits& emits, Declaration& declaration, Checker& checker, const TypeTable& types) {
  OutputFormat& format = declaration.role.format;
  format.kind = FormatKind::kAlternatives;
  TypeId result = declaration.signature.result;
  if (types.IsError(result)) return;
  if (types.kind(result) != TypeKind::kEnum) {
    checker.Report(diag::kBadFormat, emits.span, "one of several cases", declaration.name, checker.Shown(result))
        .Help("return an enum with a case for each alternative");
    return;
  }
  std::set<std::string> tags;
  for (const ast::EmitAlternative& alternative : emits.alternatives) {
    if (alternative.form != ast::EmitForm::kTag || alternative.type == nullptr ||
        alternative.type->form != ast::TypeForm::kNamed) {
      if (alternative.form == ast::EmitForm::kTag && alternative.type != nullptr &&
          alternative.type->form == ast::TypeForm::kError) {
        continue;
      }
      checker.Report(diag::kPlanFormat, alternative.span, "an alternative is a tag and a case: `<ask> Ask`");
      continue;
    }
    if (!tags.insert(alternative.tag.text).second) {
      checker.Report(diag::kDuplicateTag, alternative.tag.span, alternative.tag.text);
    }
    if (alternative.type->name.parts.empty()) continue;
    const ast::Name& name = alternative.type->name.parts.back();
    checker.Info(alternative.type->id).type = result;
    int index = types.CaseIndex(result, name.text);
    if (index < 0) {
      std::vector<std::string_view> names;
      for (const types::EnumCase& enum_case : types[result].cases) names.push_back(enum_case.name);
      checker.Suggest(checker.Report(diag::kBadPattern, name.span, name.text, checker.Shown(result)), name, names);
      continue;
    }
    const std::vector<types::Field>& payload = types[result].cases[static_cast<size_t>(index)].payload;
    TypeId base = payload.size() == 1 ? types.BaseOf(payload[0].type) : TypeTable::Text();
    bool scalar = base == TypeTable::Text() || base == TypeTable::Bool() || types.IsNumber(base) || types.IsError(base);
    if (payload.size() > 1 || !scalar) {
      checker.Report(
          diag::kPlanFormat, alternative.span,
          "the case `" + name.text + "` does not fit a tag: it holds more than one Text, Int, Float or Bool");
      continue;
    }
    format.alternatives.push_back(
        {alternative.tag.text, static_cast<uint32_t>(index), payload.empty() ? kNoType : payload[0].type});
  }
}

void CheckFormat(const ast::Role& role, Declaration& declaration, Checker& checker, const TypeTable& types) {
  if (!role.emits || role.emits->alternatives.empty()) {
    if (!role.emits && !role.broken) {
      checker.Report(diag::kMissingClause, role.name.span, role.name.text, "emits")
          .Help("say what the model writes: `emits <answer> Text`, or `emits text`");
    }
    return;
  }
  const ast::Emits& emits = *role.emits;
  bool planner = declaration.kind == ast::DeclKind::kPlanner;
  bool plan_form = emits.alternatives.size() == 1 && emits.alternatives[0].form == ast::EmitForm::kPlan;
  if (planner != plan_form) {
    checker.Report(diag::kPlanFormat, emits.span,
                   planner ? "a planner emits a plan: `emits <workflow> plan`" : "only a planner emits a plan");
    return;
  }
  if (emits.alternatives.size() > 1) return CheckAlternatives(emits, declaration, checker, types);
  const ast::EmitAlternative& only = emits.alternatives[0];
  OutputFormat& format = declaration.role.format;
  format.tag = only.tag.text;
  TypeId result = declaration.signature.result;
  TypeId given = kNoType;
  switch (only.form) {
    case ast::EmitForm::kPlan:
      format.kind = FormatKind::kPlan;
      return;
    case ast::EmitForm::kText:
      format.kind = FormatKind::kText;
      format.type = types.BaseOf(result) == TypeTable::Text() ? result : TypeTable::Text();
      given = format.type;
      break;
    case ast::EmitForm::kTag:
      format.kind = FormatKind::kTag;
      given = format.type = ReadAs(*only.type, checker, types);
      break;
    case ast::EmitForm::kNumbered: {
      format.kind = FormatKind::kNumbered;
      if (only.type->form != ast::TypeForm::kList) {
        if (only.type->form != ast::TypeForm::kError) {
          checker.Report(diag::kPlanFormat, only.type->span, "numbered tags give a list: `<q#> [Query]`");
        }
        return;
      }
      format.type = ReadAs(*only.type->element, checker, types);
      given = checker.Resolve(*only.type);
      if (types.IsError(format.type)) given = format.type;
      if (only.max) {
        if (*only.max < 1 || *only.max > 1000) {
          checker.Report(diag::kNotConstant, only.span, "max", "a number from 1 to 1000");
        } else {
          format.max = static_cast<uint32_t>(*only.max);
        }
      }
      break;
    }
    case ast::EmitForm::kSubset: {
      format.kind = FormatKind::kSubset;
      for (size_t i = 0; i < declaration.signature.parameters.size(); ++i) {
        if (declaration.signature.parameters[i].name == only.parameter.text) {
          format.parameter = static_cast<uint32_t>(i);
        }
      }
      if (format.parameter == kNone || !types.IsList(declaration.signature.parameters[format.parameter].type)) {
        bool poisoned =
            format.parameter != kNone && types.IsError(declaration.signature.parameters[format.parameter].type);
        if (!poisoned) checker.Report(diag::kSubsetParameter, only.parameter.span, only.parameter.text);
        return;
      }
      given = declaration.signature.parameters[format.parameter].type;
      break;
    }
  }
  if (!Gives(given, result, types)) {
    checker.Report(diag::kBadFormat, only.span, checker.Shown(given), declaration.name, checker.Shown(result));
  }
}

void CheckPlanner(Program& program, CheckedModule& module, uint32_t id, const ast::PlannerDecl& decl,
                  Checker& checker) {
  TypeTable& types = *program.types;
  TypeId result = program.declarations[id].signature.result;
  RoleInfo& role = program.declarations[id].role;
  if (!types.IsPlan(result)) {
    if (!types.IsError(result)) checker.Report(diag::kPlannerResult, decl.result->span, checker.Shown(result));
    return;
  }
  role.plan_argument = types[result].element;
  role.plan_result = types[result].result;
  role.input_name = "input";
  for (const types::Parameter& parameter : program.declarations[id].signature.parameters) {
    if (parameter.type == role.plan_argument && role.input_name == "input") role.input_name = parameter.name;
  }
  if (decl.overrun != nullptr) {
    role.overrun = NumberOf(*decl.overrun, "overrun", kNotNegative, checker).value_or(0);
  }
  if (decl.stages && !decl.uses.empty()) {
    checker.Report(diag::kStageTwice, decl.uses_span, decl.name.text).Help("keep one of them");
  } else if (!decl.stages && decl.uses.empty() && !decl.broken) {
    checker.Report(diag::kPlannerNames, decl.name.span, decl.name.text)
        .Help("say what its plans are: `stages [R] AG`, or `uses R, AG` for blocks");
  }
  if (decl.stages) role.stages = BuildStages(program, module, id, *decl.stages, checker);
  for (const ast::Name& name : decl.uses) {
    auto value = module.values.find(name.text);
    bool callable = value != module.values.end() && value->second.kind == SymbolKind::kDeclaration;
    if (callable) {
      ast::DeclKind kind = program.declarations[value->second.declaration].kind;
      callable = kind == ast::DeclKind::kExecutor || kind == ast::DeclKind::kTool || kind == ast::DeclKind::kWorkflow;
    }
    if (!callable) {
      std::vector<std::string_view> names;
      for (const auto& [candidate, symbol] : module.values) names.push_back(candidate);
      checker.Suggest(checker.Report(diag::kUnknownStage, name.span, name.text, decl.name.text), name, names);
      continue;
    }
    role.uses.push_back(value->second.declaration);
  }
}

}  // namespace

void CheckRole(Program& program, CheckedModule& module, uint32_t id, Checker& checker) {
  const TypeTable& types = *program.types;
  const auto& role = static_cast<const ast::Role&>(*program.declarations[id].decl);
  bool planner = program.declarations[id].kind == ast::DeclKind::kPlanner;
  TypeId result = program.declarations[id].signature.result;
  if (role.messages.empty() && !role.broken) {
    checker.Report(diag::kMissingClause, role.name.span, role.name.text, "user")
        .Help("say what the model reads: `user \"…\"`");
  }
  for (const ast::Message& message : role.messages) {
    checker.place.pure = "a message";
    if (message.text != nullptr) checker.CheckTemplate(*message.text);
  }
  CheckFormat(role, program.declarations[id], checker, types);
  if (planner) CheckPlanner(program, module, id, static_cast<const ast::PlannerDecl&>(role), checker);
  auto clause = [&](const ast::Expr* expr, std::string_view where, bool with_result, TypeId wanted) {
    if (expr == nullptr) return;
    Checker::Scope scope(checker);
    checker.BindSymbol("raw", SymbolKind::kRaw, TypeTable::Text());
    if (with_result && !planner) checker.BindSymbol("result", SymbolKind::kResult, result);
    checker.place.pure = where;
    checker.CheckAs(*expr, wanted);
  };
  clause(role.check.get(), "a `check`", true, TypeTable::Bool());
  clause(role.malformed.get(), "`malformed`", false, result);
  clause(role.invalid.get(), "`invalid`", true, result);
  checker.place = {};
  RoleInfo& info = program.declarations[id].role;
  if (role.penalty != nullptr) info.penalty = NumberOf(*role.penalty, "penalty", kNotNegative, checker).value_or(0);
  CheckSample(role.sample, info.sampling, checker);
}

void CheckTool(Declaration& declaration, const ast::ToolDecl& decl, Checker& checker) {
  std::set<std::string> seen;
  for (const ast::Setting& setting : decl.attributes) {
    const std::string& name = setting.name.text;
    if (!seen.insert(name).second) checker.Report(diag::kArgumentTwice, setting.name.span, name);
    if (name == "retry") {
      auto value = NumberOf(*setting.value, name, {0, 100, true, "a whole number from 0 to 100"}, checker);
      declaration.tool.retries = static_cast<uint32_t>(value.value_or(0));
    } else if (name == "timeout") {
      const auto* duration = ast::As<ast::DurationLiteral>(setting.value);
      if (duration == nullptr || !(duration->seconds > 0) || duration->seconds > 86400) {
        checker.Report(diag::kNotConstant, setting.value->span, name,
                       "a duration of at most a day, as `5s` or `200ms`");
      } else {
        declaration.tool.timeout_us = static_cast<int64_t>(std::llround(duration->seconds * 1e6));
      }
    } else if (!name.empty()) {
      checker.Suggest(checker.Report(diag::kUnknownSetting, setting.name.span, name, "a tool"), setting.name,
                      {"retry", "timeout"});
    }
  }
}

namespace {

struct StageBuilder {
  const Program& program;
  const CheckedModule& module;
  uint32_t planner;
  Checker& checker;
  StageGrammar grammar = {};
  bool failed = false;

  uint32_t NewState() {
    grammar.states.emplace_back();
    return static_cast<uint32_t>(grammar.states.size() - 1);
  }
  void Edge(uint32_t from, StageGrammar::Edge edge) { grammar.states[from].push_back(std::move(edge)); }

  // Adds the pattern after `from`; gives the state behind it. Depth is bounded by the parser.
  uint32_t Add(const ast::StagePattern& pattern, uint32_t from) {
    switch (pattern.form) {
      case ast::StageForm::kStage: {
        uint32_t to = NewState();
        StageGrammar::Edge edge{.to = to};
        auto value = module.values.find(pattern.name.text);
        if (value == module.values.end() || value->second.kind != SymbolKind::kDeclaration) {
          if (!pattern.name.empty()) {
            std::vector<std::string_view> names;
            for (const auto& [name, symbol] : module.values) names.push_back(name);
            checker.Suggest(checker.Report(diag::kUnknownStage, pattern.name.span, pattern.name.text,
                                           program.declarations[planner].name),
                            pattern.name, names);
          }
          failed = true;
          return to;
        }
        edge.declaration = value->second.declaration;
        bool sub = !pattern.children.empty();
        if (!CheckStageFits(program, edge.declaration, planner, sub, pattern.name.span, checker)) failed = true;
        if (sub) {
          StageBuilder inner{program, module, planner, checker};
          edge.sub_plan = inner.Build(pattern.children[0]);
          failed = failed || edge.sub_plan == nullptr;
        }
        Edge(from, std::move(edge));
        return to;
      }
      case ast::StageForm::kSequence:
        for (const ast::StagePattern& child : pattern.children) from = Add(child, from);
        return from;
      case ast::StageForm::kOptional: {
        if (pattern.children.empty()) {  // already diagnosed by the parser
          failed = true;
          return from;
        }
        uint32_t to = Add(pattern.children[0], from);
        Edge(from, {.to = to});
        return to;
      }
      case ast::StageForm::kAlternatives: {
        uint32_t to = NewState();
        for (const ast::StagePattern& child : pattern.children) Edge(Add(child, NewBranch(from)), {.to = to});
        return to;
      }
    }
    return from;
  }
  uint32_t NewBranch(uint32_t from) {
    uint32_t state = NewState();
    Edge(from, {.to = state});
    return state;
  }

  static std::string Text(const ast::StagePattern& pattern) {
    std::string text;
    switch (pattern.form) {
      case ast::StageForm::kStage:
        return pattern.name.text + (pattern.children.empty() ? "" : "(" + Text(pattern.children[0]) + ")");
      case ast::StageForm::kOptional:
        return "[" + Text(pattern.children[0]) + "]";
      case ast::StageForm::kSequence:
      case ast::StageForm::kAlternatives:
        for (const ast::StagePattern& child : pattern.children) {
          if (!text.empty()) text += pattern.form == ast::StageForm::kSequence ? " " : " | ";
          text += Text(child);
        }
        return text;
    }
    return text;
  }

  std::shared_ptr<const StageGrammar> Build(const ast::StagePattern& pattern) {
    grammar.start = NewState();
    grammar.accept = Add(pattern, grammar.start);
    if (failed) return nullptr;
    grammar.text = Text(pattern);
    return std::make_shared<const StageGrammar>(std::move(grammar));
  }
};

}  // namespace

std::shared_ptr<const StageGrammar> BuildStages(Program& program, const CheckedModule& module, uint32_t planner,
                                                const ast::StagePattern& pattern, Checker& checker) {
  return StageBuilder{program, module, planner, checker}.Build(pattern);
}

}  // namespace jade::sema
