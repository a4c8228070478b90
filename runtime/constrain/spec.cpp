#include "runtime/constrain/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace jade::constrain {
namespace {

using types::TypeId;
using types::TypeKind;
using types::TypeTable;

// How runtime/call reads a text as `type`.
std::optional<ValueSpec> ValueOf(TypeId type, const TypeTable& types) {
  ValueSpec value;
  value.optional = types.IsOptional(type);
  if (value.optional) type = types.ElementOf(type);
  type = types.BaseOf(type);
  switch (types.kind(type)) {
    case TypeKind::kText:
      return value;
    case TypeKind::kInt:
      value.kind = ValueKind::kInt;
      return value;
    case TypeKind::kFloat:
      value.kind = ValueKind::kFloat;
      return value;
    case TypeKind::kBool:
      value.kind = ValueKind::kBool;
      return value;
    case TypeKind::kEnum:
      value.kind = ValueKind::kWord;
      for (const types::EnumCase& one : types[type].cases) {
        if (one.payload.empty()) value.words.push_back(one.name);
      }
      if (value.words.empty()) return std::nullopt;
      return value;
    default:
      return std::nullopt;
  }
}

Error Unreadable(TypeId type, const TypeTable& types) {
  return {ErrorCode::kUnsupported, fmt::format("no text is read as a value of type {}", types.Name(type))};
}

}  // namespace

Status CheckTag(const std::string& tag) {
  if (tag.empty() || tag.size() > kMaxTagBytes) {
    return Error(ErrorCode::kInvalidArgument, fmt::format("a tag has 1 to {} bytes", kMaxTagBytes));
  }
  if (tag.find_first_of("<>/") != std::string::npos ||
      std::any_of(tag.begin(), tag.end(), [](char c) { return c <= ' ' || c >= 0x7F; })) {
    return Error(ErrorCode::kInvalidArgument, "a tag is of printable ASCII without `<`, `>` and `/`");
  }
  return {};
}

namespace {

// A name of the language, and none that begins or is an expression by itself.
bool IsScopeName(const std::string& name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || name.size() > kMaxTagBytes || !letter(name[0])) return false;
  if (name == "let" || name == "true" || name == "false" || name == "none") return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

Status CheckScope(const PlanScope& scope) {
  const auto broken = [] { return Error(ErrorCode::kInvalidArgument, "the scope of a plan is broken or too large"); };
  const size_t types = scope.types.size();
  const auto is_type = [types](uint32_t type) { return type < types; };
  if (types > kMaxChoices || scope.stages.size() > kMaxChoices || scope.grammars.size() > kMaxChoices) return broken();
  if (!is_type(scope.argument) || !is_type(scope.result)) return broken();
  for (const PlanScope::Type& type : scope.types) {
    const bool inner = type.shape != PlanScope::Shape::kPlain;
    if (inner && !is_type(type.element)) return broken();
    if (type.shape == PlanScope::Shape::kPlan && !is_type(type.result)) return broken();
    if (!std::all_of(type.accepts.begin(), type.accepts.end(), is_type) || type.accepts.size() > types) return broken();
  }
  std::vector<std::string> names = {scope.input};
  if (!scope.input.empty() && !IsScopeName(scope.input)) return broken();
  for (const PlanScope::Stage& stage : scope.stages) {
    if (!is_type(stage.result) || stage.parameters.size() > kMaxChoices || !IsScopeName(stage.name)) return broken();
    names.push_back(stage.name);
    for (const PlanScope::Parameter& parameter : stage.parameters) {
      if (!is_type(parameter.type)) return broken();
    }
  }
  for (const PlanScope::Grammar& grammar : scope.grammars) {
    if (grammar.accept >= grammar.states || grammar.states > 4 * kMaxChoices ||
        grammar.edges.size() > 8 * kMaxChoices) {
      return broken();
    }
    for (const PlanScope::Edge& edge : grammar.edges) {
      if (edge.from >= grammar.states || edge.to >= grammar.states) return broken();
      if (edge.stage != PlanScope::kNone && edge.stage >= scope.stages.size()) return broken();
      if (edge.sub_plan != PlanScope::kNone && edge.sub_plan >= scope.grammars.size()) return broken();
    }
  }
  std::sort(names.begin(), names.end());
  if (std::adjacent_find(names.begin(), names.end()) != names.end()) return broken();
  return {};
}

Result<Spec> SpecOf(const ir::OutputFormat& format, const TypeTable& types) {
  Spec spec;
  spec.tag = format.tag;
  spec.max = format.max;
  switch (format.kind) {
    case ir::FormatKind::kText:
      spec.kind = SpecKind::kText;
      break;
    case ir::FormatKind::kTag:
      spec.kind = SpecKind::kTag;
      break;
    case ir::FormatKind::kNumbered:
      spec.kind = SpecKind::kNumbered;
      break;
    case ir::FormatKind::kSubset:
      spec.kind = SpecKind::kSubset;
      return spec;
    case ir::FormatKind::kAlternatives:
      spec.kind = SpecKind::kAlternatives;
      for (const ir::Alternative& one : format.alternatives) {
        if (types.kind(one.type) == TypeKind::kNever) {
          spec.alternatives.push_back({one.tag, {.kind = ValueKind::kNothing, .words = {}}});
          continue;
        }
        std::optional<ValueSpec> value = ValueOf(one.type, types);
        if (!value) return Unreadable(one.type, types);
        spec.alternatives.push_back({one.tag, std::move(*value)});
      }
      return spec;
    case ir::FormatKind::kPlan:
      return Error(ErrorCode::kInvalidArgument, "the format of a planner has a scope");
  }
  std::optional<ValueSpec> value = ValueOf(format.type, types);
  if (!value) return Unreadable(format.type, types);
  spec.value = std::move(*value);
  return spec;
}

}  // namespace jade::constrain
