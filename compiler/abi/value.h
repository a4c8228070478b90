#pragma once
// Values of the language as the interpreter, compiled code and the runtime pass them: 16 bytes, scalars inline, the
// rest behind an atomically counted reference. Values are immutable once shared, so any thread may read and drop them.
//
// A Value carries no static type; whoever needs field names or nominal types (JSON, traces) passes the TypeId along.
//   nominal   the value of its base type
//   T?        none is kNone, some(x) is x itself (optionals do not nest)
//   record    fields in declaration order
//   enum      case index in declaration order, and the payload's fields
//   Plan      a PlanTarget that the runtime defines: a declaration or a compiled plan

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "compiler/result/check.h"

namespace jade::abi {

enum class ValueKind : uint8_t { kNone, kBool, kInt, kFloat, kText, kList, kRecord, kEnum, kPlan };

std::string_view ValueKindName(ValueKind kind);

// What a Plan<A, B> handle refers to. Immutable; the handle shares ownership.
class PlanTarget {
 public:
  virtual ~PlanTarget() = default;
  // The plan's canonical text, or the declaration's name.
  virtual std::string_view text() const = 0;
};

class Value {
 public:
  Value() = default;  // none
  Value(const Value& other) : kind_(other.kind_), case_(other.case_), bits_(other.bits_) { Retain(); }
  Value(Value&& other) noexcept : kind_(other.kind_), case_(other.case_), bits_(other.bits_) { other.Forget(); }
  Value& operator=(const Value& other) {
    Value copy(other);
    Swap(copy);
    return *this;
  }
  Value& operator=(Value&& other) noexcept {
    Value moved(std::move(other));
    Swap(moved);
    return *this;
  }
  ~Value() { Release(); }

  static Value None() { return {}; }
  static Value Bool(bool value) { return {ValueKind::kBool, 0, Bits{.integer = value ? 1 : 0}}; }
  static Value Int(int64_t value) { return {ValueKind::kInt, 0, Bits{.integer = value}}; }
  static Value Float(double value) { return {ValueKind::kFloat, 0, Bits{.number = value}}; }
  static Value Text(std::string value);
  static Value List(std::vector<Value> items);
  static Value Record(std::vector<Value> fields);
  static Value Enum(uint32_t case_index, std::vector<Value> payload = {});
  static Value Plan(std::shared_ptr<const PlanTarget> target);

  ValueKind kind() const { return kind_; }
  bool is_none() const { return kind_ == ValueKind::kNone; }

  // Each accessor requires its kind; asking for another is a bug (JADE_CHECK), which the type checker excludes.
  bool as_bool() const { return Expect(ValueKind::kBool), bits_.integer != 0; }
  int64_t as_int() const { return Expect(ValueKind::kInt), bits_.integer; }
  double as_float() const { return Expect(ValueKind::kFloat), bits_.number; }
  const std::string& as_text() const;
  const std::vector<Value>& as_list() const;    // items
  const std::vector<Value>& as_record() const;  // fields
  uint32_t as_enum_case() const { return Expect(ValueKind::kEnum), case_; }
  const std::vector<Value>& as_enum_payload() const;
  const std::shared_ptr<const PlanTarget>& as_plan() const;

  // For building in place: the items of this list or the bytes of this text, copied first when they are shared.
  std::vector<Value>& MutableList();
  std::string& MutableText();
  // Makes this record, if nobody else holds it and it has as many fields, one of these fields, in the memory it has.
  // They may be parts of the old ones. False: it is as it was.
  bool ReplaceFields(std::span<const Value> fields);

  // Structural. Floats compare as IEEE numbers, plans by identity of their target. Never recurses on the C++ stack.
  friend bool operator==(const Value& a, const Value& b);

  // Bytes this value holds by itself (not what it shares with others): the measure of memory budgets.
  uint64_t ShallowBytes() const;

 private:
  struct Object;
  struct TextObject;
  struct ListObject;
  struct PlanObject;
  union Bits {
    int64_t integer;
    double number;
    Object* object;
  };

  Value(ValueKind kind, uint32_t case_index, Bits bits) : kind_(kind), case_(case_index), bits_(bits) {}

  bool HoldsObject() const { return kind_ >= ValueKind::kText && bits_.object != nullptr; }
  void Expect(ValueKind kind) const {
    JADE_CHECK(kind_ == kind, "expected a {}, got a {}", ValueKindName(kind), ValueKindName(kind_));
  }
  void Retain();
  void Release() {
    if (HoldsObject()) ReleaseObject();
  }
  void ReleaseObject();
  void Forget() {
    kind_ = ValueKind::kNone;
    bits_.integer = 0;
  }
  void Swap(Value& other) noexcept {
    std::swap(kind_, other.kind_);
    std::swap(case_, other.case_);
    std::swap(bits_, other.bits_);
  }

  ValueKind kind_ = ValueKind::kNone;
  uint32_t case_ = 0;
  Bits bits_{.integer = 0};
};

static_assert(sizeof(Value) == 16);

// A Float as the language writes it: the shortest digits that read back the same, always with a point or exponent.
std::string FloatText(double value);

// A scalar or text as a template shows it. Lists, records, enums and plans have no template form: the type checker
// refuses them, and here they give a JSON-like debugging form (bounded to 4 KiB).
std::string DisplayText(const Value& value);

}  // namespace jade::abi
