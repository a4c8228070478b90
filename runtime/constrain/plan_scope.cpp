#include "runtime/constrain/plan_scope.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace jade::constrain {
namespace {

using sema::Declaration;
using sema::StageGrammar;
using types::TypeId;
using types::TypeKind;
using types::TypeTable;

// The conversions of a value that need no name: compiler/sema/convert.cpp.
bool Retypes(TypeId from, TypeId to, const TypeTable& types) {
  if (from == to) return true;
  if (types.IsOptional(to)) return Retypes(types.WithoutOptional(from), types.ElementOf(to), types);
  if (types.IsOptional(from)) return false;
  if (types.IsList(from) && types.IsList(to)) return Retypes(types.ElementOf(from), types.ElementOf(to), types);
  for (TypeId base = from; types.kind(base) == TypeKind::kNominal;) {
    base = types.ElementOf(base);
    if (base == to) return true;
  }
  return false;
}

bool Converts(TypeId from, TypeId to, const TypeTable& types) {
  return Retypes(from, to, types) ||
         (types.BaseOf(from) == TypeTable::Int() && types.WithoutOptional(to) == TypeTable::Float());
}

bool IsKey(TypeId type, const TypeTable& types) {
  if (types.IsList(type)) type = types.ElementOf(type);
  const TypeKind kind = types.kind(type);
  return kind == TypeKind::kNominal || kind == TypeKind::kRecord || kind == TypeKind::kEnum;
}

PlanScope::Literal LiteralOf(TypeId type, const TypeTable& types) {
  const TypeId base = types.BaseOf(types.WithoutOptional(type));
  if (base == TypeTable::Text()) return PlanScope::Literal::kText;
  if (base == TypeTable::Int()) return PlanScope::Literal::kInt;
  if (base == TypeTable::Float()) return PlanScope::Literal::kFloat;
  if (base == TypeTable::Bool()) return PlanScope::Literal::kBool;
  return PlanScope::Literal::kNoLiteral;
}

class ScopeBuilder {
 public:
  explicit ScopeBuilder(const sema::Program& program) : program_(program), types_(*program.types) {}

  uint32_t Type(TypeId id) {
    if (auto known = type_numbers_.find(id); known != type_numbers_.end()) return known->second;
    const auto number = static_cast<uint32_t>(type_ids_.size());
    type_numbers_.emplace(id, number);
    type_ids_.push_back(id);
    scope_.types.emplace_back();
    PlanScope::Type type;
    type.key = IsKey(id, types_);
    type.literal = LiteralOf(id, types_);
    if (types_.IsList(id)) type.shape = PlanScope::Shape::kList;
    if (types_.IsOptional(id)) type.shape = PlanScope::Shape::kOptional;
    if (types_.IsPlan(id)) type.shape = PlanScope::Shape::kPlan;
    if (type.shape != PlanScope::Shape::kPlain) type.element = Type(types_[id].element);
    if (type.shape == PlanScope::Shape::kPlan) type.result = Type(types_[id].result);
    scope_.types[number] = std::move(type);
    return number;
  }

  uint32_t Stage(uint32_t declaration) {
    if (auto known = stage_numbers_.find(declaration); known != stage_numbers_.end()) return known->second;
    const Declaration& declared = program_.declarations[declaration];
    PlanScope::Stage stage{.name = declared.name, .parameters = {}, .result = Type(declared.signature.result)};
    for (const types::Parameter& parameter : declared.signature.parameters) {
      stage.parameters.push_back({Type(parameter.type), parameter.has_default, parameter.from_input});
    }
    const auto number = static_cast<uint32_t>(scope_.stages.size());
    stage_numbers_.emplace(declaration, number);
    scope_.stages.push_back(std::move(stage));
    return number;
  }

  // State 0 of a grammar is its start: the two change places.
  uint32_t Grammar(const StageGrammar& from) {
    const auto number = static_cast<uint32_t>(scope_.grammars.size());
    scope_.grammars.emplace_back();
    const auto renamed = [&](uint32_t state) {
      if (state == from.start) return 0U;
      return state == 0 ? from.start : state;
    };
    PlanScope::Grammar grammar;
    grammar.states = static_cast<uint32_t>(from.states.size());
    grammar.accept = renamed(from.accept);
    for (uint32_t state = 0; state < from.states.size(); ++state) {
      for (const StageGrammar::Edge& edge : from.states[state]) {
        PlanScope::Edge copy{.from = renamed(state), .to = renamed(edge.to)};
        if (edge.declaration != sema::kNone) copy.stage = Stage(edge.declaration);
        if (edge.sub_plan != nullptr) copy.sub_plan = Grammar(*edge.sub_plan);
        grammar.edges.push_back(copy);
      }
    }
    scope_.grammars[number] = std::move(grammar);
    return number;
  }

  PlanScope Finish(const sema::RoleInfo& role) {
    scope_.argument = Type(role.plan_argument);
    scope_.result = Type(role.plan_result);
    if (role.stages != nullptr) {
      Grammar(*role.stages);
    } else {
      for (const uint32_t declaration : role.uses) Stage(declaration);
      scope_.input = role.input_name;
    }
    for (size_t to = 0; to < type_ids_.size(); ++to) {
      for (uint32_t from = 0; from < type_ids_.size(); ++from) {
        if (Converts(type_ids_[from], type_ids_[to], types_)) scope_.types[to].accepts.push_back(from);
      }
    }
    return std::move(scope_);
  }

 private:
  const sema::Program& program_;
  const TypeTable& types_;
  PlanScope scope_;
  std::map<TypeId, uint32_t> type_numbers_;
  std::vector<TypeId> type_ids_;
  std::map<uint32_t, uint32_t> stage_numbers_;
};

}  // namespace

Result<Spec> PlanSpecOf(const sema::Program& program, uint32_t planner) {
  const sema::RoleInfo& role = program.declarations[planner].role;
  PlanScope scope = ScopeBuilder(program).Finish(role);
  JADE_TRY(CheckScope(scope));
  Spec spec;
  spec.kind = SpecKind::kPlan;
  spec.tag = role.format.tag;
  spec.plan = std::make_shared<const PlanScope>(std::move(scope));
  return spec;
}

}  // namespace jade::constrain
