#include "compiler/types/type_table.h"

#include <utility>

#include "compiler/result/check.h"
#include "compiler/types/signature.h"

namespace jade::types {

std::string_view TypeKindName(TypeKind kind) {
  switch (kind) {
    case TypeKind::kError:
      return "error";
    case TypeKind::kNever:
      return "never";
    case TypeKind::kText:
      return "Text";
    case TypeKind::kInt:
      return "Int";
    case TypeKind::kFloat:
      return "Float";
    case TypeKind::kBool:
      return "Bool";
    case TypeKind::kList:
      return "list";
    case TypeKind::kOptional:
      return "optional";
    case TypeKind::kNominal:
      return "nominal type";
    case TypeKind::kRecord:
      return "record";
    case TypeKind::kEnum:
      return "enum";
    case TypeKind::kPlan:
      return "plan";
  }
  return "unknown";
}

TypeTable::TypeTable() {
  for (TypeKind kind :
       {TypeKind::kError, TypeKind::kNever, TypeKind::kText, TypeKind::kInt, TypeKind::kFloat, TypeKind::kBool}) {
    Add({.kind = kind, .name = std::string(TypeKindName(kind))});
  }
  TypeId none = Intern(TypeKind::kOptional, Never(), {});
  JADE_CHECK(none == None());
}

TypeId TypeTable::Add(TypeInfo info) {
  types_.Append(std::move(info));
  return {static_cast<uint32_t>(types_.size() - 1)};
}

TypeId TypeTable::Intern(TypeKind kind, TypeId first, TypeId second) {
  auto [it, inserted] = interned_.try_emplace(Key{kind, first, second});
  if (inserted) it->second = Add({.kind = kind, .element = first, .result = second});
  return it->second;
}

TypeId TypeTable::List(TypeId element) {
  return Intern(TypeKind::kList, element, {});
}

TypeId TypeTable::Optional(TypeId element) {
  if (IsError(element) || IsOptional(element)) return element;
  return Intern(TypeKind::kOptional, element, {});
}

TypeId TypeTable::Plan(TypeId argument, TypeId result) {
  return Intern(TypeKind::kPlan, argument, result);
}

TypeId TypeTable::DeclareNominal(std::string module, std::string name) {
  return Add({.kind = TypeKind::kNominal, .element = Error(), .name = std::move(name), .module = std::move(module)});
}

TypeId TypeTable::DeclareRecord(std::string module, std::string name) {
  return Add({.kind = TypeKind::kRecord, .name = std::move(name), .module = std::move(module)});
}

TypeId TypeTable::DeclareEnum(std::string module, std::string name) {
  return Add({.kind = TypeKind::kEnum, .name = std::move(name), .module = std::move(module)});
}

void TypeTable::CompleteNominal(TypeId nominal, TypeId base) {
  JADE_CHECK(kind(nominal) == TypeKind::kNominal);
  types_[nominal.index].element = base;
}

void TypeTable::CompleteRecord(TypeId record, std::vector<Field> fields) {
  JADE_CHECK(kind(record) == TypeKind::kRecord);
  types_[record.index].fields = std::move(fields);
}

void TypeTable::CompleteEnum(TypeId enumeration, std::vector<EnumCase> cases) {
  JADE_CHECK(kind(enumeration) == TypeKind::kEnum);
  types_[enumeration.index].cases = std::move(cases);
}

TypeId TypeTable::BaseOf(TypeId id) const {
  // A chain of `new` cannot be longer than the table; a cycle is diagnosed by sema and completed with Error.
  for (size_t steps = 0; kind(id) == TypeKind::kNominal && steps <= types_.size(); ++steps) id = ElementOf(id);
  return id;
}

TypeId TypeTable::WithoutOptional(TypeId id) const {
  return IsOptional(id) ? ElementOf(id) : id;
}

// Visits the parts of a type without recursion; `through_members` also enters fields and payloads, each type once.
template <typename Visit>
bool TypeTable::AnyPart(TypeId id, bool through_members, Visit visit) const {
  std::vector<TypeId> pending = {id};
  std::vector<bool> seen;
  if (through_members) seen.assign(types_.size(), false);
  while (!pending.empty()) {
    TypeId part = pending.back();
    pending.pop_back();
    if (visit(part)) return true;
    if (through_members) {
      if (seen[part.index]) continue;
      seen[part.index] = true;
    }
    const TypeInfo& info = types_[part.index];
    switch (info.kind) {
      case TypeKind::kList:
      case TypeKind::kOptional:
        pending.push_back(info.element);
        break;
      case TypeKind::kNominal:
        if (through_members) pending.push_back(info.element);
        break;
      case TypeKind::kPlan:
        pending.push_back(info.element);
        pending.push_back(info.result);
        break;
      default:
        break;
    }
    if (!through_members) continue;
    for (const Field& field : info.fields) pending.push_back(field.type);
    for (const EnumCase& enum_case : info.cases) {
      for (const Field& field : enum_case.payload) pending.push_back(field.type);
    }
  }
  return false;
}

bool TypeTable::ContainsPlan(TypeId id) const {
  return AnyPart(id, true, [this](TypeId part) { return IsPlan(part); });
}

bool TypeTable::ContainsError(TypeId id) const {
  return AnyPart(id, false, [this](TypeId part) { return IsError(part); });
}

bool TypeTable::IsPrintable(TypeId id) const {
  switch (kind(BaseOf(WithoutOptional(id)))) {
    case TypeKind::kError:
    case TypeKind::kText:
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kBool:
      return true;
    default:
      return false;
  }
}

int TypeTable::FieldIndex(TypeId record, std::string_view name) const {
  const std::vector<Field>& fields = types_[record.index].fields;
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

int TypeTable::CaseIndex(TypeId enumeration, std::string_view name) const {
  const std::vector<EnumCase>& cases = types_[enumeration.index].cases;
  for (size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

std::string TypeTable::Name(TypeId id) const {
  // Depth is bounded by the parser's nesting cap, and optionals and records do not nest by structure.
  const TypeInfo& info = types_[id.index];
  switch (info.kind) {
    case TypeKind::kError:
      return "<error>";
    case TypeKind::kNever:
      return "<nothing>";
    case TypeKind::kList:
      return info.element == Never() ? "[]" : "[" + Name(info.element) + "]";
    case TypeKind::kOptional:
      return info.element == Never() ? "none" : Name(info.element) + "?";
    case TypeKind::kPlan:
      return "Plan<" + Name(info.element) + ", " + Name(info.result) + ">";
    default:
      return info.name;
  }
}

namespace {

std::string FieldsText(const std::vector<Field>& fields, const TypeTable& types) {
  std::string text;
  for (const Field& field : fields) {
    if (!text.empty()) text += ", ";
    text += field.name + ": " + types.Name(field.type);
  }
  return text;
}

}  // namespace

std::string TypeTable::Describe(TypeId id) const {
  const TypeInfo& info = types_[id.index];
  switch (info.kind) {
    case TypeKind::kNominal:
      return "type " + info.name + " = new " + Name(info.element);
    case TypeKind::kRecord:
      return "record " + info.name + " {" + FieldsText(info.fields, *this) + "}";
    case TypeKind::kEnum: {
      std::string text;
      for (const EnumCase& enum_case : info.cases) {
        if (!text.empty()) text += ", ";
        text += enum_case.name;
        if (!enum_case.payload.empty()) text += "(" + FieldsText(enum_case.payload, *this) + ")";
      }
      return "enum " + info.name + " {" + text + "}";
    }
    default:
      return Name(id);
  }
}

std::string SignatureText(const Signature& signature, const TypeTable& types) {
  std::string text = "(";
  for (const Parameter& parameter : signature.parameters) {
    if (text.size() > 1) text += ", ";
    text += parameter.name + ": " + types.Name(parameter.type);
    if (parameter.from_input) text += " from input";
    if (parameter.has_default) text += " = …";
  }
  return text + ") -> " + types.Name(signature.result);
}

}  // namespace jade::types
