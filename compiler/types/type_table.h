#pragma once
// The types of the language, hash-consed: two TypeIds of one table are equal exactly when the types are. Nominal types,
// records and enums are equal by declaration, never by structure; they are declared first and completed later, so that
// a record may contain a list of itself.
//
// A TypeTable is owned by one compilation (and by the program that came out of it) and only grows: ids and references
// to descriptions stay valid for its life. One thread may add types; others may meanwhile ask for the kind, the base
// and the members of types they were told of (a module that is compiled in the background, while the scheduler's thread
// checks a plan), and anything while none adds.

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/types/append_only.h"

namespace jade::types {

struct TypeId {
  uint32_t index = 0;
  friend bool operator==(TypeId, TypeId) = default;
  friend auto operator<=>(TypeId, TypeId) = default;
};

enum class TypeKind : uint8_t {
  kError,  // the poisoned type: given to what was already diagnosed, accepted everywhere, never reported again
  kNever,  // no value: the element of `[]` and of `none`
  kText,
  kInt,
  kFloat,
  kBool,
  kList,      // element
  kOptional,  // element; optionals do not nest
  kNominal,   // `type Query = new Text`
  kRecord,
  kEnum,
  kPlan,  // Plan<argument, result>
};

std::string_view TypeKindName(TypeKind kind);

struct Field {
  std::string name;
  TypeId type;
};

struct EnumCase {
  std::string name;
  std::vector<Field> payload;
};

// One type. Which members mean something depends on the kind.
struct TypeInfo {
  TypeKind kind = TypeKind::kError;
  TypeId element;               // list, optional: the element; nominal: the base; plan: the argument
  TypeId result;                // plan: the result
  std::string name;             // nominal, record, enum: as declared
  std::string module;           // nominal, record, enum: "std.rag"; empty for the file given on the command line
  std::vector<Field> fields;    // record, in order of declaration
  std::vector<EnumCase> cases;  // enum, in order of declaration
};

class TypeTable {
 public:
  TypeTable();
  TypeTable(const TypeTable&) = delete;
  TypeTable& operator=(const TypeTable&) = delete;

  // The same id in every table.
  static constexpr TypeId Error() { return {0}; }
  static constexpr TypeId Never() { return {1}; }
  static constexpr TypeId Text() { return {2}; }
  static constexpr TypeId Int() { return {3}; }
  static constexpr TypeId Float() { return {4}; }
  static constexpr TypeId Bool() { return {5}; }
  static constexpr TypeId None() { return {6}; }  // Optional(Never()): the type of a bare `none`

  TypeId List(TypeId element);
  TypeId Optional(TypeId element);  // of an optional: that optional; of the poisoned type: the poisoned type
  TypeId Plan(TypeId argument, TypeId result);

  // New types, different from every other. They count as incomplete (base Error, no fields, no cases) until completed.
  TypeId DeclareNominal(std::string module, std::string name);
  TypeId DeclareRecord(std::string module, std::string name);
  TypeId DeclareEnum(std::string module, std::string name);
  void CompleteNominal(TypeId nominal, TypeId base);
  void CompleteRecord(TypeId record, std::vector<Field> fields);
  void CompleteEnum(TypeId enumeration, std::vector<EnumCase> cases);

  const TypeInfo& operator[](TypeId id) const { return types_[id.index]; }
  TypeKind kind(TypeId id) const { return types_[id.index].kind; }
  size_t size() const { return types_.size(); }

  bool IsError(TypeId id) const { return kind(id) == TypeKind::kError; }
  bool IsList(TypeId id) const { return kind(id) == TypeKind::kList; }
  bool IsOptional(TypeId id) const { return kind(id) == TypeKind::kOptional; }
  bool IsPlan(TypeId id) const { return kind(id) == TypeKind::kPlan; }
  bool IsNumber(TypeId id) const { return id == Int() || id == Float(); }
  TypeId ElementOf(TypeId id) const { return types_[id.index].element; }

  // The type under every `new`: Text of `Query`. Anything else is its own base.
  TypeId BaseOf(TypeId id) const;
  // T of `T?`, else the type itself.
  TypeId WithoutOptional(TypeId id) const;
  // True when a Plan occurs anywhere in it.
  bool ContainsPlan(TypeId id) const;
  // True when the poisoned type occurs in its structure (element, base, plan sides; not record fields).
  bool ContainsError(TypeId id) const;
  // True when a template can show it: Text, Int, Float, Bool, a nominal type over one of them, or an optional of those.
  bool IsPrintable(TypeId id) const;

  // Index of a record's field or an enum's case; -1 when there is none.
  int FieldIndex(TypeId record, std::string_view name) const;
  int CaseIndex(TypeId enumeration, std::string_view name) const;

  // As the language writes it: "[Query]?", "Plan<Query, Answer>". Two types of one name from different modules get the
  // same text; diagnostics add the module when that would confuse.
  std::string Name(TypeId id) const;
  // The declaration, one line: "record Note {question: Query, answer: Answer}".
  std::string Describe(TypeId id) const;

 private:
  struct Key {
    TypeKind kind;
    TypeId first;
    TypeId second;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      uint64_t bits = (uint64_t{key.first.index} << 32 | key.second.index) * 0x9E3779B97F4A7C15U;
      return static_cast<size_t>(bits ^ (bits >> 29) ^ static_cast<uint64_t>(key.kind));
    }
  };

  TypeId Add(TypeInfo info);
  TypeId Intern(TypeKind kind, TypeId first, TypeId second);
  template <typename Visit>
  bool AnyPart(TypeId id, bool through_members, Visit visit) const;

  AppendOnly<TypeInfo> types_;
  std::unordered_map<Key, TypeId, KeyHash> interned_;
};

}  // namespace jade::types

template <>
struct std::hash<jade::types::TypeId> {
  size_t operator()(jade::types::TypeId id) const noexcept { return id.index; }
};
