#pragma once
// The types of a generated program, as the generator knows them: enough to write expressions of a type and values as
// JSON. The compiler's own tables are not used, so that a mistake there is not copied here.

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/differential/random.h"

namespace jade::differential {

enum class Kind : uint8_t { kInt, kFloat, kBool, kText, kNominal, kRecord, kEnum, kList, kOptional, kPlan };

struct Type {
  struct Field {
    std::string name;
    const Type* type;
  };
  struct Case {
    std::string name;
    std::vector<Field> fields;
  };
  Kind kind = Kind::kInt;
  std::string name;              // as it is written
  const Type* item = nullptr;    // list, optional: of what; nominal: its base; plan: its input
  const Type* result = nullptr;  // plan
  std::vector<Field> fields;     // record
  std::vector<Case> cases;       // enum

  bool IsNumber() const { return kind == Kind::kInt || kind == Kind::kFloat; }
  // Text, or a nominal type over it.
  bool IsText() const { return kind == Kind::kText || (kind == Kind::kNominal && item->kind == Kind::kText); }
  // A template shows it.
  bool IsShown() const {
    if (kind == Kind::kOptional) return item->IsShown();
    return kind <= Kind::kNominal;
  }
};

class TypePool {
 public:
  TypePool() {
    int_ = Declare({.kind = Kind::kInt, .name = "Int"});
    float_ = Declare({.kind = Kind::kFloat, .name = "Float"});
    bool_ = Declare({.kind = Kind::kBool, .name = "Bool"});
    text_ = Declare({.kind = Kind::kText, .name = "Text"});
  }
  const Type* Int() const { return int_; }
  const Type* Float() const { return float_; }
  const Type* Bool() const { return bool_; }
  const Type* Text() const { return text_; }

  const Type* ListOf(const Type* item) {
    return Derived({.kind = Kind::kList, .name = "[" + item->name + "]", .item = item});
  }
  const Type* OptionalOf(const Type* item) {
    return Derived({.kind = Kind::kOptional, .name = item->name + "?", .item = item});
  }
  const Type* PlanOf(const Type* input, const Type* result) {
    return Derived({.kind = Kind::kPlan,
                    .name = "Plan<" + input->name + ", " + result->name + ">",
                    .item = input,
                    .result = result});
  }
  const Type* Declare(Type type) {
    types_.push_back(std::move(type));
    plain_.push_back(&types_.back());
    return &types_.back();
  }
  // Neither a list nor an optional nor a plan.
  const Type* Plain(Random& random) const { return random.Pick(plain_); }
  // Any but a plan.
  const Type* Any(Random& random) {
    const Type* plain = Plain(random);
    const uint32_t wrap = random.Below(10);
    if (wrap < 6) return plain;
    return wrap < 9 ? ListOf(plain) : OptionalOf(plain);
  }

 private:
  const Type* Derived(Type type) {
    const Type*& known = derived_[type.name];
    if (known == nullptr) {
      types_.push_back(std::move(type));
      known = &types_.back();
    }
    return known;
  }
  std::deque<Type> types_;
  std::vector<const Type*> plain_;
  std::map<std::string, const Type*> derived_;
  const Type* int_;
  const Type* float_;
  const Type* bool_;
  const Type* text_;
};

}  // namespace jade::differential
