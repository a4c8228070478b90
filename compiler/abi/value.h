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
  Value(const Value& other) : head_(other.head_), bits_(other.bits_) { Retain(); }
  Value(Value&& other) noexcept : head_(other.head_), bits_(other.bits_) { other.Forget(); }
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

  ValueKind kind() const { return head_.kind; }
  bool is_none() const { return head_.kind == ValueKind::kNone; }

  // Each accessor requires its kind; asking for another is a bug (JADE_CHECK), which the type checker excludes.
  bool as_bool() const { return Expect(ValueKind::kBool), bits_.integer != 0; }
  int64_t as_int() const { return Expect(ValueKind::kInt), bits_.integer; }
  double as_float() const { return Expect(ValueKind::kFloat), bits_.number; }
  const std::string& as_text() const;
  const std::vector<Value>& as_list() const;    // items
  const std::vector<Value>& as_record() const;  // fields
  uint32_t as_enum_case() const { return Expect(ValueKind::kEnum), head_.case_index; }
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

  // A mark that goes where the value goes, below kOrigins: what it stands for is whoever's who sets it
  // (runtime/interp/origins.h); 0 unless somebody does. It is no part of what the value is.
  static constexpr uint32_t kOrigins = 1U << 24;
  uint32_t origin() const { return head_.origin[0] | head_.origin[1] << 8U | head_.origin[2] << 16U; }
  void set_origin(uint32_t origin) {
    for (uint8_t& byte : head_.origin) {
      byte = static_cast<uint8_t>(origin);
      origin >>= 8U;
    }
  }

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

  // Eight bytes that are copied as one.
  struct Head {
    ValueKind kind = ValueKind::kNone;
    uint8_t origin[3] = {};
    uint32_t case_index = 0;
  };
  static_assert(sizeof(Head) == 8);

  Value(ValueKind kind, uint32_t case_index, Bits bits) : head_{kind, {}, case_index}, bits_(bits) {}

  bool HoldsObject() const { return head_.kind >= ValueKind::kText && bits_.object != nullptr; }
  void Expect(ValueKind kind) const {
    JADE_CHECK(head_.kind == kind, "expected a {}, got a {}", ValueKindName(kind), ValueKindName(head_.kind));
  }
  void Retain();
  void Release() {
    if (HoldsObject()) ReleaseObject();
  }
  void ReleaseObject();
  void Forget() {
    head_.kind = ValueKind::kNone;
    bits_.integer = 0;
  }
  void Swap(Value& other) noexcept {
    std::swap(head_, other.head_);
    std::swap(bits_, other.bits_);
  }

  Head head_;
  Bits bits_{.integer = 0};
};

static_assert(sizeof(Value) == 16);

// A Float as the language writes it: the shortest digits that read back the same, always with a point or exponent.
std::string FloatText(double value);

// A scalar or text as a template shows it. Lists, records, enums and plans have no template form: the type checker
// refuses them, and here they give a JSON-like debugging form (bounded to 4 KiB).
std::string DisplayText(const Value& value);

}  // namespace jade::abi
