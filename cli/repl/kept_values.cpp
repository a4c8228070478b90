#include "cli/repl/kept_values.h"

#include <fmt/format.h>

#include <unordered_map>

#include "cli/repl/show_value.h"
#include "runtime/interp/interpreter.h"
#include "runtime/session/plan_cache.h"
#include "runtime/session/snippet.h"

namespace jade::repl {
namespace {

using abi::Value;
using types::TypeId;
using types::TypeInfo;
using types::TypeKind;
using types::TypeTable;

// Finds the types of one table in another: declared ones by module and name, when they are declared alike.
class TypeMatch {
 public:
  TypeMatch(const TypeTable& from, TypeTable& to) : from_(from), to_(to) {
    for (uint32_t i = 0; i < to.size(); ++i) {
      const TypeInfo& info = to[TypeId{i}];
      if (!info.name.empty()) declared_[info.module + "\n" + info.name] = {i};
    }
  }

  // What `type` is there; nothing when there is no such type, or another one of that name.
  std::optional<TypeId> Find(TypeId type) {
    matched_.clear();
    differs_ = false;
    const TypeId found = Match(type);
    return differs_ ? std::nullopt : std::optional(found);
  }

 private:
  TypeId Match(TypeId type) {
    const TypeInfo& info = from_[type];
    switch (info.kind) {
      case TypeKind::kList:
        return to_.List(Match(info.element));
      case TypeKind::kOptional:
        return to_.Optional(Match(info.element));
      case TypeKind::kPlan: {
        const TypeId argument = Match(info.element);
        return to_.Plan(argument, Match(info.result));
      }
      case TypeKind::kNominal:
      case TypeKind::kRecord:
      case TypeKind::kEnum:
        return MatchDeclared(type);
      default:
        return type;
    }
  }

  TypeId MatchDeclared(TypeId type) {
    if (const auto done = matched_.find(type); done != matched_.end()) return done->second;
    const TypeInfo& info = from_[type];
    const auto found = declared_.find(info.module + "\n" + info.name);
    if (found == declared_.end() || to_.kind(found->second) != info.kind) return Differs();
    const TypeId other = found->second;
    matched_[type] = other;
    if (info.kind == TypeKind::kNominal && Match(info.element) != to_[other].element) return Differs();
    MatchFields(info.fields, to_[other].fields);
    if (info.cases.size() != to_[other].cases.size()) return Differs();
    for (size_t i = 0; i < info.cases.size(); ++i) {
      if (info.cases[i].name != to_[other].cases[i].name) return Differs();
      MatchFields(info.cases[i].payload, to_[other].cases[i].payload);
    }
    return other;
  }

  void MatchFields(const std::vector<types::Field>& ours, const std::vector<types::Field>& theirs) {
    if (ours.size() != theirs.size()) {
      Differs();
      return;
    }
    for (size_t i = 0; i < ours.size(); ++i) {
      if (ours[i].name != theirs[i].name || Match(ours[i].type) != theirs[i].type) Differs();
    }
  }

  TypeId Differs() {
    differs_ = true;
    return TypeTable::Error();
  }

  const TypeTable& from_;
  TypeTable& to_;
  std::unordered_map<std::string, TypeId> declared_;
  std::unordered_map<TypeId, TypeId> matched_;
  bool differs_ = false;
};

// A declaration where a plan is wanted.
std::optional<Value> DeclarationAsPlan(const session::Program& program, const std::string& name, TypeId type) {
  diag::Diagnostics ignored;
  const auto file = std::make_shared<const source::SourceFile>(
      "<plan>", fmt::format("let plan: {} = {}", program.types().Name(type), name));
  const auto tree = sema::CheckSnippet(program.checked(), file, {}, ignored);
  if (tree == nullptr) return std::nullopt;
  const session::Snippet snippet = session::MakeSnippet(program, *tree, 0, "plan", {});
  interp::PureResult result = interp::EvaluatePure(snippet.module, snippet.module->main(), {}, {}, {});
  if (result.trap) return std::nullopt;
  return std::move(result.value);
}

// The plan that `text` is for a program, if one of its planners may write it.
std::optional<Value> MakePlan(const session::ProgramPtr& program, const std::string& text, TypeId type) {
  const sema::Program& checked = program->checked();
  if (checked.Find(text) != sema::kNone) return DeclarationAsPlan(*program, text, type);
  session::PlanCache plans(program, 1);
  for (uint32_t i = 0; i < checked.declarations.size(); ++i) {
    const sema::Declaration& declaration = checked.declarations[i];
    if (declaration.kind != ast::DeclKind::kPlanner || declaration.signature.result != type) continue;
    call::CompiledPlan plan = plans.Compile(program->module(), program->lowered().callees[i], text, 0);
    if (plan.plan) return std::move(*plan.plan);
  }
  return std::nullopt;
}

// A plan remembers the planner's call for the penalty of an overrun; in another run that call is another one.
Value WithoutCall(Value value) {
  if (value.kind() != abi::ValueKind::kPlan) return value;
  const auto* plan = dynamic_cast<const interp::PlanFunction*>(value.as_plan().get());
  if (plan == nullptr || plan->plan_call() == 0) return value;
  return Value::Plan(std::make_shared<interp::PlanFunction>(plan->module(), plan->function(), plan->bound(),
                                                            std::string(plan->text())));
}

}  // namespace

void KeptValues::Keep(const std::string& name, Value value, TypeId type) {
  values_[name] = {WithoutCall(std::move(value)), type};
}

const KeptValue* KeptValues::Find(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : &found->second;
}

std::vector<sema::Given> KeptValues::Given() const {
  std::vector<sema::Given> given;
  for (const auto& [name, kept] : values_) given.push_back({name, kept.type, {}});
  return given;
}

std::vector<std::string> KeptValues::Carry(const session::Program& from, const session::ProgramPtr& to) {
  std::vector<std::string> forgotten;
  TypeMatch match(from.types(), *to->checked().types);
  for (auto kept = values_.begin(); kept != values_.end();) {
    const std::optional<TypeId> type = match.Find(kept->second.type);
    Value& value = kept->second.value;
    std::string reason;
    if (to->checked().root().values.contains(kept->first)) {
      reason = "the program declares that name";
    } else if (!type) {
      reason = fmt::format("its type `{}` has changed", from.types().Name(kept->second.type));
    } else if (value.kind() == abi::ValueKind::kPlan) {
      auto plan = MakePlan(to, PlanText(value), to->types().WithoutOptional(*type));
      if (plan) {
        value = std::move(*plan);
      } else {
        reason = "the program has no such plan any more";
      }
    }
    if (reason.empty()) {
      kept->second.type = *type;
      ++kept;
    } else {
      forgotten.push_back(fmt::format("`{}` is forgotten: {}", kept->first, reason));
      kept = values_.erase(kept);
    }
  }
  return forgotten;
}

}  // namespace jade::repl
