// Forms of any type: branches, loops, calls, scopes.
#include "tests/differential/expression_generator.h"

namespace jade::differential {

using Code = std::optional<std::string>;

Code ExpressionGenerator::If(const Type* type, const Context& context) {
  const auto arm = [&] { return context.plan ? "{ " + Expression(type, context) + " }" : Block(type, context); };
  std::string text = Written{"if {} {}", Expression(types_.Bool(), context.Free()), arm()}.text;
  if (!context.plan && random_.Chance(20))
    text += Written{" else if {} {}", Operand(types_.Bool(), context), arm()}.text;
  return text + " else " + arm();
}

Code ExpressionGenerator::Match(const Type* type, const Context& context) {
  std::vector<const Variable*> subjects;
  for (const Variable& variable : context.variables) {
    if (variable.type->kind == Kind::kEnum || variable.type->kind == Kind::kOptional) subjects.push_back(&variable);
  }
  const Type* of =
      subjects.empty() || random_.Chance(30) ? types_.OptionalOf(types_.Plain(random_)) : random_.Pick(subjects)->type;
  std::string text = "match " + Operand(of, context) + " {\n";
  if (of->kind == Kind::kOptional) {
    const std::string name = NewName("m");
    text += Written{"some({}) => {}\n", name, Block(type, context.With(name, of->item))}.text;
    text += Written{"none => {}\n", Block(type, context)}.text;
    return text + "}";
  }
  const size_t covered = random_.Chance(40) ? of->cases.size() - 1 : of->cases.size();
  for (size_t i = 0; i < covered; ++i) {
    const Type::Case& one = of->cases[i];
    Context inner = context;
    text += one.name;
    for (size_t k = 0; k < one.fields.size(); ++k) {
      const std::string name = random_.Chance(20) ? "_" : NewName("m");
      text += (k > 0 ? ", " : "(") + name;
      if (name != "_") inner = inner.With(name, one.fields[k].type);
    }
    text += (one.fields.empty() ? "" : ")") + std::string(" => ") + Block(type, inner) + "\n";
  }
  if (covered < of->cases.size()) text += "_ => " + Block(type, context) + "\n";
  return text + "}";
}

Code ExpressionGenerator::Coalesce(const Type* type, const Context& context) {
  if (type->kind == Kind::kOptional) return std::nullopt;
  return Written{"{} ?? {}", Operand(types_.OptionalOf(type), context), Operand(type, context)}.text;
}

Code ExpressionGenerator::FieldOf(const Type* type, const Context& context) {
  std::vector<std::string> fitting;
  for (const Variable& variable : context.variables) {
    if (variable.type->kind != Kind::kRecord) continue;
    for (const Type::Field& field : variable.type->fields) {
      if (field.type == type) fitting.push_back(variable.name + "." + field.name);
    }
  }
  if (fitting.empty()) return std::nullopt;
  return random_.Pick(fitting);
}

Code ExpressionGenerator::IndexOf(const Type* type, const Context& context) {
  if (!features_.traps || type->kind == Kind::kOptional) return std::nullopt;
  if (type->kind == Kind::kList) return std::nullopt;
  const std::string list = Operand(types_.ListOf(type), context);
  return Written{"{}[{}]", list, random_.Chance(70) ? std::to_string(random_.Between(0, 1)) : IntOperand(context)}.text;
}

Code ExpressionGenerator::CallOf(const Type* type, const Context& context) {
  if (!context.calls || context.loops > 2) return std::nullopt;
  std::vector<const Callable*> fitting;
  for (const Callable& callee : callables_) {
    if (callee.result == type) fitting.push_back(&callee);
  }
  if (fitting.empty()) return std::nullopt;
  return Call(*random_.Pick(fitting), context);
}

Code ExpressionGenerator::Fold(const Type* type, const Context& context) {
  if (context.loops > 1) return std::nullopt;
  const Type* item = types_.Plain(random_);
  const std::string list = Operand(types_.ListOf(item), context);
  const std::string name = NewName("x");
  const std::string state = NewName("s");
  Context place = context;
  place.placed = true;
  const std::string init = Leaf(type, place);
  const Context inner = place.InLoop().With(name, item).With(state, type);
  return Written{"fold {} in {} with {}: {} = {} {}", name, list, state, type->name, init, Block(type, inner)}.text;
}

Code ExpressionGenerator::Repeat(const Type* type, const Context& context) {
  if (context.loops > 1) return std::nullopt;
  const std::string state = NewName("s");
  Context place = context;
  place.placed = true;
  const std::string init = Leaf(type, place);
  const Context inner = place.InLoop().With(state, type);
  const std::string next = NewName("n");
  const std::string body = Expression(type, inner);
  const std::string until = Expression(types_.Bool(), inner.With(next, type).Free());
  return Written{"repeat up to {} with {}: {} = {} {{\nlet {}: {} = {}\n{}\nuntil {}\n}}",
                 random_.Between(0, 3),
                 state,
                 type->name,
                 init,
                 next,
                 type->name,
                 body,
                 next,
                 until}
      .text;
}

std::string ExpressionGenerator::Limits() {
  // What overlapping calls have spent when a limit ends them hangs on their timing, and counts for the limits around
  // it, too: only a limit on calls is always used up to its last one, so only such may stand in each other.
  if (features_.budgets) {
    if (token_limits_ == 0 && features_.tokens) {
      ++token_limits_;
      return Written{"tokens: {}", random_.Between(1, 12)}.text;
    }
    return features_.tokens ? "calls: 1000" : Written{"calls: {}", random_.Between(0, 5)}.text;
  }
  if (features_.traps && random_.Chance(25)) return Written{"depth: {}", random_.Between(0, 3)}.text;
  return random_.Chance(50) ? "calls: 1000" : "calls: 900, tokens: 1000000, seconds: 100000.5, depth: 90";
}

Code ExpressionGenerator::Within(const Type* type, const Context& context) {
  if (!context.calls) return std::nullopt;
  const std::string limits = Limits();
  const std::string body = Block(type, context);
  const std::string head = Written{"within {{ {} }} {}", limits, body}.text;
  if (features_.traps && random_.Chance(15)) return "(" + head + ")";
  const std::string other = Leaf(type, context);
  return Written{"({} else {{\nif Caught({}) > 0 {{\n{}\n}} else {{\n{}\n}}\n}})", head, random_.Between(1, 9),
                 Expression(type, context), other}
      .text;
}

Code ExpressionGenerator::Run(const Type* type, const Context& context) {
  if (!context.calls || context.loops > 1) return std::nullopt;
  std::vector<const Callable*> planners;
  for (const Callable& callee : callables_) {
    if (callee.result->kind == Kind::kPlan && callee.result->result == type) planners.push_back(&callee);
  }
  std::vector<const Variable*> plans;
  for (const Variable& variable : context.variables) {
    if (variable.type->kind == Kind::kPlan && variable.type->result == type) plans.push_back(&variable);
  }
  Context place = context;
  place.placed = true;
  if (!plans.empty() && (planners.empty() || random_.Chance(50))) {
    const Variable* plan = random_.Pick(plans);
    return Written{"run {} on ({})", plan->name, Expression(plan->type->item, place.Free())}.text;
  }
  if (planners.empty()) return std::nullopt;
  const Callable& planner = *random_.Pick(planners);
  return Written{"run {} on ({})", Call(planner, context), Expression(planner.result->item, place.Free())}.text;
}

}  // namespace jade::differential
