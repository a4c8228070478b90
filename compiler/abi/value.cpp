#include "compiler/abi/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace jade::abi {

std::string_view ValueKindName(ValueKind kind) {
  static constexpr std::array<std::string_view, 9> kNames = {"none", "Bool",   "Int",  "Float", "Text",
                                                             "list", "record", "enum", "plan"};
  return kNames[static_cast<size_t>(kind)];
}

struct Value::Object {
  std::atomic<uint32_t> references{1};
};

struct Value::TextObject : Object {
  explicit TextObject(std::string value) : text(std::move(value)) {}
  std::string text;
};

// Lists, records and enum payloads.
struct Value::ListObject : Object {
  explicit ListObject(std::vector<Value> values) : items(std::move(values)) {}
  std::vector<Value> items;
};

struct Value::PlanObject : Object {
  explicit PlanObject(std::shared_ptr<const PlanTarget> value) : target(std::move(value)) {}
  std::shared_ptr<const PlanTarget> target;
};

Value Value::Text(std::string value) {
  return {ValueKind::kText, 0, Bits{.object = new TextObject(std::move(value))}};
}

Value Value::List(std::vector<Value> items) {
  return {ValueKind::kList, 0, Bits{.object = new ListObject(std::move(items))}};
}

Value Value::Record(std::vector<Value> fields) {
  return {ValueKind::kRecord, 0, Bits{.object = new ListObject(std::move(fields))}};
}

Value Value::Enum(uint32_t case_index, std::vector<Value> payload) {
  Object* object = payload.empty() ? nullptr : new ListObject(std::move(payload));
  return {ValueKind::kEnum, case_index, Bits{.object = object}};
}

Value Value::Plan(std::shared_ptr<const PlanTarget> target) {
  JADE_CHECK(target != nullptr);
  return {ValueKind::kPlan, 0, Bits{.object = new PlanObject(std::move(target))}};
}

const std::string& Value::as_text() const {
  Expect(ValueKind::kText);
  return static_cast<const TextObject*>(bits_.object)->text;
}

const std::vector<Value>& Value::as_list() const {
  Expect(ValueKind::kList);
  return static_cast<const ListObject*>(bits_.object)->items;
}

const std::vector<Value>& Value::as_record() const {
  Expect(ValueKind::kRecord);
  return static_cast<const ListObject*>(bits_.object)->items;
}

const std::vector<Value>& Value::as_enum_payload() const {
  static const std::vector<Value> kEmpty;
  Expect(ValueKind::kEnum);
  return bits_.object == nullptr ? kEmpty : static_cast<const ListObject*>(bits_.object)->items;
}

const std::shared_ptr<const PlanTarget>& Value::as_plan() const {
  Expect(ValueKind::kPlan);
  return static_cast<const PlanObject*>(bits_.object)->target;
}

std::vector<Value>& Value::MutableList() {
  Expect(ValueKind::kList);
  if (bits_.object->references.load(std::memory_order_acquire) != 1) *this = List(as_list());
  return static_cast<ListObject*>(bits_.object)->items;
}

std::string& Value::MutableText() {
  Expect(ValueKind::kText);
  if (bits_.object->references.load(std::memory_order_acquire) != 1) *this = Text(as_text());
  return static_cast<TextObject*>(bits_.object)->text;
}

bool Value::ReplaceFields(std::span<const Value> fields) {
  constexpr size_t kMost = 8;
  if (head_.kind != ValueKind::kRecord || fields.size() > kMost) return false;
  auto& old = static_cast<ListObject*>(bits_.object)->items;
  if (old.size() != fields.size() || bits_.object->references.load(std::memory_order_acquire) != 1) return false;
  std::array<Value, kMost> kept;  // the new fields must not die with the old ones
  std::copy(fields.begin(), fields.end(), kept.begin());
  for (size_t i = 0; i < fields.size(); ++i) old[i].Swap(kept[i]);
  return true;
}

void Value::Retain() {
  if (HoldsObject()) bits_.object->references.fetch_add(1, std::memory_order_relaxed);
}

void Value::ReleaseObject() {
  if (bits_.object->references.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  switch (head_.kind) {
    case ValueKind::kText:
      delete static_cast<TextObject*>(bits_.object);
      break;
    case ValueKind::kPlan:
      delete static_cast<PlanObject*>(bits_.object);
      break;
    default: {
      // Children that die with this object are unlinked into one list first, so that a deep value cannot exhaust the
      // C++ stack.
      std::vector<Value> pending = std::move(static_cast<ListObject*>(bits_.object)->items);
      delete static_cast<ListObject*>(bits_.object);
      while (!pending.empty()) {
        Value last = std::move(pending.back());
        pending.pop_back();
        const bool nests = last.head_.kind == ValueKind::kList || last.head_.kind == ValueKind::kRecord ||
                           last.head_.kind == ValueKind::kEnum;
        if (!nests || last.bits_.object == nullptr) continue;
        if (last.bits_.object->references.load(std::memory_order_acquire) != 1) continue;
        auto& items = static_cast<ListObject*>(last.bits_.object)->items;
        for (Value& item : items) {
          if (item.HoldsObject()) pending.push_back(std::move(item));
        }
        items.clear();
      }
    }
  }
}

bool operator==(const Value& a, const Value& b) {
  std::vector<std::pair<const Value*, const Value*>> pending = {{&a, &b}};
  while (!pending.empty()) {
    auto [x, y] = pending.back();
    pending.pop_back();
    if (x->head_.kind != y->head_.kind) return false;
    const std::vector<Value>* left = nullptr;
    const std::vector<Value>* right = nullptr;
    switch (x->head_.kind) {
      case ValueKind::kNone:
        break;
      case ValueKind::kBool:
      case ValueKind::kInt:
        if (x->bits_.integer != y->bits_.integer) return false;
        break;
      case ValueKind::kFloat:
        if (x->bits_.number != y->bits_.number) return false;
        break;
      case ValueKind::kText:
        if (x->bits_.object != y->bits_.object && x->as_text() != y->as_text()) return false;
        break;
      case ValueKind::kPlan:
        if (x->as_plan() != y->as_plan()) return false;
        break;
      case ValueKind::kEnum:
        if (x->head_.case_index != y->head_.case_index) return false;
        left = &x->as_enum_payload();
        right = &y->as_enum_payload();
        break;
      case ValueKind::kList:
        left = &x->as_list();
        right = &y->as_list();
        break;
      case ValueKind::kRecord:
        left = &x->as_record();
        right = &y->as_record();
        break;
    }
    if (left == nullptr) continue;
    if (left->size() != right->size()) return false;
    for (size_t i = 0; i < left->size(); ++i) pending.emplace_back(&(*left)[i], &(*right)[i]);
  }
  return true;
}

uint64_t Value::ShallowBytes() const {
  if (!HoldsObject()) return sizeof(Value);
  switch (head_.kind) {
    case ValueKind::kText:
      return sizeof(TextObject) + as_text().size();
    case ValueKind::kPlan:
      return sizeof(PlanObject);
    default:
      return sizeof(ListObject) + static_cast<const ListObject*>(bits_.object)->items.size() * sizeof(Value);
  }
}

std::string FloatText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

namespace {
constexpr size_t kDisplayLimit = 4096;

void Display(const Value& value, std::string* out);

void DisplayItems(const std::vector<Value>& items, char open, char close, std::string* out) {
  *out += open;
  for (size_t i = 0; i < items.size() && out->size() < kDisplayLimit; ++i) {
    if (i > 0) *out += ", ";
    Display(items[i], out);
  }
  *out += close;
}

// Every level adds a byte, so the limit bounds the depth of the recursion too.
void Display(const Value& value, std::string* out) {
  if (out->size() >= kDisplayLimit) return;
  switch (value.kind()) {
    case ValueKind::kText:
      *out += '"' + value.as_text().substr(0, kDisplayLimit) + '"';
      break;
    case ValueKind::kList:
      DisplayItems(value.as_list(), '[', ']', out);
      break;
    case ValueKind::kRecord:
      DisplayItems(value.as_record(), '{', '}', out);
      break;
    case ValueKind::kEnum:
      *out += fmt::format("#{}", value.as_enum_case());
      if (!value.as_enum_payload().empty()) DisplayItems(value.as_enum_payload(), '(', ')', out);
      break;
    default:
      *out += DisplayText(value);
  }
}
}  // namespace

std::string DisplayText(const Value& value) {
  switch (value.kind()) {
    case ValueKind::kNone:
      return "none";
    case ValueKind::kBool:
      return value.as_bool() ? "true" : "false";
    case ValueKind::kInt:
      return fmt::format("{}", value.as_int());
    case ValueKind::kFloat:
      return FloatText(value.as_float());
    case ValueKind::kText:
      return value.as_text();
    case ValueKind::kPlan:
      return std::string(value.as_plan()->text());
    default: {
      std::string out;
      Display(value, &out);
      return out;
    }
  }
}

}  // namespace jade::abi
