#include "tests/differential/expression_generator.h"

namespace jade::differential {

const std::vector<ExpressionGenerator::Form>& ExpressionGenerator::Forms() {
  using E = ExpressionGenerator;
  static const std::vector<Form> forms = {
      {4, true, &E::Named},        {3, true, &E::If},           {3, false, &E::Match},      {2, true, &E::Coalesce},
      {2, true, &E::FieldOf},      {2, true, &E::IndexOf},      {9, true, &E::CallOf},      {3, false, &E::Fold},
      {2, false, &E::Repeat},      {3, false, &E::Within},      {4, false, &E::Run},        {4, true, &E::Arithmetic},
      {4, true, &E::Number},       {4, true, &E::Comparison},   {3, true, &E::Logic},       {3, true, &E::Question},
      {4, true, &E::Template},     {3, true, &E::TextFunction}, {5, true, &E::Constructor}, {5, false, &E::Each},
      {4, true, &E::ListFunction}, {4, true, &E::Optional},     {1, true, &E::Converted}};
  return forms;
}

std::string ExpressionGenerator::Expression(const Type* type, const Context& context) {
  // Plans are not kept in lists, so there is little to write one as.
  const bool plan = type->kind == Kind::kPlan || (type->kind == Kind::kOptional && type->item->kind == Kind::kPlan);
  constexpr int kDeepest = 5;
  if (--size_ <= 0 || plan || nesting_ > kDeepest) return Leaf(type, context);
  ++nesting_;
  std::string text = Compound(type, context);
  --nesting_;
  return text;
}

std::string ExpressionGenerator::Compound(const Type* type, const Context& context) {
  constexpr int kTries = 12;
  uint32_t weights = 0;
  for (const Form& form : Forms()) weights += form.weight;
  for (int i = 0; i < kTries; ++i) {
    uint32_t at = random_.Below(weights);
    for (const Form& form : Forms()) {
      if (at >= form.weight) {
        at -= form.weight;
        continue;
      }
      if (context.plan && !form.in_plans) break;
      if (Code code = (this->*form.make)(type, context)) return *code;
      break;
    }
  }
  return Leaf(type, context);
}

std::string ExpressionGenerator::Block(const Type* type, const Context& context) {
  Context inner = context;
  std::string text = "{\n";
  const int lets = random_.Between(0, nesting_ == 0 ? 5 : context.loops == 0 ? 2 : 1);
  for (int i = 0; i < lets && size_ > 2; ++i) {
    // Most of what a workflow does is bind what calls give.
    const Callable* callee = nullptr;
    if (context.calls && context.loops < 2 && random_.Chance(60)) callee = &AnyCallable();
    const bool plan = callee != nullptr && callee->result->kind == Kind::kPlan;
    const Type* bound = plan ? callee->result->result : callee != nullptr ? callee->result : types_.Any(random_);
    const bool typed = random_.Chance(60);
    Context place = inner;
    place.placed = typed;
    std::string value = callee == nullptr ? Expression(bound, place) : Call(*callee, inner);
    if (plan) value = Written{"run {} on ({})", value, Expression(callee->result->item, inner.Free())}.text;
    const std::string name = NewName("v");
    text += typed ? Written{"let {}: {} = {}\n", name, bound->name, value}.text
                  : Written{"let {} = {}\n", name, value}.text;
    inner.variables.push_back({name, bound});
  }
  return text + Expression(type, inner) + "\n}";
}

// Planners more often than they stand among the others: what they write is half of the language.
const Callable& ExpressionGenerator::AnyCallable() {
  std::vector<const Callable*> planners;
  for (const Callable& callee : callables_) {
    if (callee.result->kind == Kind::kPlan) planners.push_back(&callee);
  }
  if (!planners.empty() && random_.Chance(25)) return *random_.Pick(planners);
  return random_.Pick(callables_);
}

std::string ExpressionGenerator::Operand(const Type* type, const Context& context) {
  return "(" + Expression(type, context.Free()) + ")";
}

const Variable* ExpressionGenerator::VariableOf(const Type* type, const Context& context) {
  std::vector<const Variable*> fitting;
  for (const Variable& variable : context.variables) {
    if (variable.type == type) fitting.push_back(&variable);
  }
  return fitting.empty() ? nullptr : random_.Pick(fitting);
}

ExpressionGenerator::Code ExpressionGenerator::Named(const Type* type, const Context& context) {
  const Variable* variable = VariableOf(type, context);
  if (variable == nullptr) return std::nullopt;
  return variable->name;
}

std::string ExpressionGenerator::Leaf(const Type* type, const Context& context) {
  if (random_.Chance(70)) {
    if (const Variable* variable = VariableOf(type, context)) return variable->name;
  }
  return Literal(type, context);
}

std::string ExpressionGenerator::Literal(const Type* type, const Context& context) {
  static const std::vector<std::string> kInts = {"0", "1", "2", "3", "7", "(-1)", "(-4)", "12"};
  static const std::vector<std::string> kWideInts = {"9223372036854775807", "(-9223372036854775807)",
                                                     "4611686018427387904"};
  static const std::vector<std::string> kFloats = {"0.0", "1.0", "0.5", "(-2.5)", "3.25", "1e3"};
  static const std::vector<std::string> kWideFloats = {"1e300", "(-1e300)", "1e-300", "9.2e18"};
  static const std::vector<std::string> kTexts = {
      R"("")",    R"("a")",   R"("red apple")", R"("the end")",         R"("42")",
      R"("0.5")", R"("yes")", R"(" a  b ")",    R"("ä\u{3000}Ö\n{{x")", R"("<t>")"};
  switch (type->kind) {
    case Kind::kInt:
      return random_.Pick(features_.traps && random_.Chance(15) ? kWideInts : kInts);
    case Kind::kFloat:
      return random_.Pick(features_.traps && random_.Chance(15) ? kWideFloats : kFloats);
    case Kind::kBool:
      return random_.Chance(50) ? "true" : "false";
    case Kind::kText:
      return random_.Pick(kTexts);
    case Kind::kNominal:
      if (context.placed && !context.plan && type->IsText() && random_.Chance(20)) return Literal(type->item, context);
      return Written{"{}({})", type->name, Literal(type->item, context)}.text;
    case Kind::kRecord:
    case Kind::kEnum: {
      const bool record = type->kind == Kind::kRecord;
      const Type::Case* one = record ? nullptr : &random_.Pick(type->cases);
      const std::vector<Type::Field>& fields = record ? type->fields : one->fields;
      std::string text = record ? type->name : type->name + "." + one->name;
      if (!record && fields.empty()) return text;
      Context place = context;
      place.placed = true;
      for (size_t i = 0; i < fields.size(); ++i) text += (i > 0 ? ", " : "(") + Leaf(fields[i].type, place);
      return text + ")";
    }
    case Kind::kList: {
      const int count = random_.Between(context.placed ? 0 : 1, 3);
      std::string text = "[";
      for (int i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + Leaf(type->item, context.Free());
      return text + "]";
    }
    case Kind::kOptional:
      if (!context.placed)
        return Written{"{}([{}])", random_.Chance(50) ? "first" : "last", Leaf(type->item, context)}.text;
      return random_.Chance(40) ? "none" : Leaf(type->item, context.Free());
    case Kind::kPlan:
      break;
  }
  // A plan is a declaration with one required parameter, or something that has one.
  std::vector<std::string> names;
  for (const Callable& callee : callables_) {
    if (callee.result != type->result || callee.parameters.empty() || callee.parameters[0].type != type->item) continue;
    bool fits = callee.group < 0 && !callee.parameters[0].has_default;
    for (size_t i = 1; i < callee.parameters.size(); ++i) fits = fits && callee.parameters[i].has_default;
    if (fits) names.push_back(callee.name);
  }
  return names.empty() ? "none" : random_.Pick(names);
}

std::string ExpressionGenerator::Call(const Callable& callee, const Context& context) {
  std::string text = callee.name;
  if (!context.plan && random_.Chance(8)) text += "@" + NewName("at");
  text += "(";
  bool named = false;
  bool first = true;
  for (size_t i = 0; i < callee.parameters.size(); ++i) {
    const Parameter& parameter = callee.parameters[i];
    std::string value;
    if (callee.group >= 0 && i + 1 == callee.parameters.size()) {
      value = callee.group == context.group ? context.steps + " - 1" : std::to_string(random_.Between(0, 2));
    } else if (parameter.has_default && random_.Chance(50)) {
      named = true;
      continue;
    } else {
      Context place = context;
      place.placed = true;
      value = Expression(parameter.type, place);
    }
    named = named || random_.Chance(15);
    text += (first ? "" : ", ") + (named ? parameter.name + ": " : std::string()) + value;
    first = false;
  }
  return text + ")";
}

}  // namespace jade::differential
