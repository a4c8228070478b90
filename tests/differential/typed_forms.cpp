// Forms of one type each: operators, builtin functions, templates, constructors, lists.
#include "tests/differential/expression_generator.h"

namespace jade::differential {

using Code = std::optional<std::string>;

Code ExpressionGenerator::Arithmetic(const Type* type, const Context& context) {
  if (!type->IsNumber()) return std::nullopt;
  static const std::vector<std::string> kSafe = {"+", "-"};
  static const std::vector<std::string> kInts = {"+", "-", "*", "/", "%"};
  static const std::vector<std::string> kFloats = {"+", "-", "*", "/"};
  if (random_.Chance(15)) return "-" + Operand(type, context);
  const auto& operators = !features_.traps ? kSafe : type->kind == Kind::kInt ? kInts : kFloats;
  return Written{"{} {} {}", Operand(type, context), random_.Pick(operators), Operand(type, context)}.text;
}

Code ExpressionGenerator::Number(const Type* type, const Context& context) {
  const Context free = context.Free();
  const auto text = [&] { return Expression(types_.Text(), free); };
  if (type->kind == Kind::kFloat) {
    switch (random_.Below(4)) {
      case 0:
        return Written{"{}({}, {})", random_.Chance(50) ? "min" : "max", Expression(type, free), Expression(type, free)}
            .text;
      case 1:
        return Written{"abs({})", Expression(type, free)}.text;
      case 2:
        return Written{"sum({})", Expression(types_.ListOf(type), free)}.text;
      default: {
        static const std::vector<std::string> kMetrics = {"em", "f1", "accuracy"};
        return Written{"{}({}, {})", random_.Pick(kMetrics), text(), Expression(types_.ListOf(types_.Text()), free)}
            .text;
      }
    }
  }
  if (type->kind != Kind::kInt) return std::nullopt;
  static const std::vector<std::string> kCounts = {"words", "terms", "len"};
  switch (random_.Below(6)) {
    case 0:
      return Written{"{}({})", random_.Pick(kCounts), text()}.text;
    case 1:
      return Written{"len({})", Expression(types_.ListOf(types_.Plain(random_)), free)}.text;
    case 2:
      return Written{"{}({}, {})", random_.Chance(50) ? "min" : "max", Expression(type, free), Expression(type, free)}
          .text;
    case 3:
      return Written{"sum({})", Expression(types_.ListOf(type), free)}.text;
    case 4:
      return Written{"abs({})", Expression(type, free)}.text;
    default:
      return Written{"{}({})", random_.Chance(50) ? "round" : "floor", Expression(types_.Float(), free)}.text;
  }
}

Code ExpressionGenerator::Comparison(const Type* type, const Context& context) {
  if (type->kind != Kind::kBool) return std::nullopt;
  static const std::vector<std::string> kOrders = {"<", "<=", ">", ">=", "==", "!="};
  static const std::vector<std::string> kEqualities = {"==", "!="};
  const Type* of = types_.Any(random_);
  const auto& operators = of->IsNumber() ? kOrders : kEqualities;
  return Written{"{} {} {}", Operand(of, context), random_.Pick(operators), Operand(of, context)}.text;
}

Code ExpressionGenerator::Logic(const Type* type, const Context& context) {
  if (type->kind != Kind::kBool) return std::nullopt;
  if (random_.Chance(25)) return "not " + Operand(type, context);
  return Written{"{} {} {}", Operand(type, context), random_.Chance(50) ? "and" : "or", Operand(type, context)}.text;
}

Code ExpressionGenerator::Question(const Type* type, const Context& context) {
  if (type->kind != Kind::kBool) return std::nullopt;
  const Context free = context.Free();
  const Type* item = types_.Plain(random_);
  static const std::vector<std::string> kTexts = {"contains", "starts_with", "ends_with"};
  switch (random_.Below(4)) {
    case 0:
      return Written{"{}({}, {})", random_.Pick(kTexts), Expression(types_.Text(), free),
                     Expression(types_.Text(), free)}
          .text;
    case 1:
      return Written{"contains({}, {})", Expression(types_.ListOf(item), free), Expression(item, free)}.text;
    case 2:
      return Written{"distinct({})", Expression(types_.ListOf(item), free)}.text;
    default:
      return Written{"yes_no({})", Expression(types_.ListOf(types_.Text()), free)}.text;
  }
}

std::string ExpressionGenerator::Hole(const Context& context) {
  std::vector<std::string> shown;
  for (const Variable& variable : context.variables) {
    if (variable.type->IsShown()) shown.push_back(variable.name);
  }
  if (!shown.empty() && random_.Chance(70)) return "{" + random_.Pick(shown) + "}";
  const std::vector<const Type*> types = {types_.Int(), types_.Text(), types_.Float(), types_.Bool()};
  // A block would end the line that a template in single quotes stands on.
  Context leaf = context.Free();
  leaf.calls = false;
  return "{" + Leaf(random_.Pick(types), leaf) + "}";
}

std::string ExpressionGenerator::TemplateParts(const Context& context, int parts) {
  static const std::vector<std::string> kWords = {"a ", "red ", "the ", " - ", "yes", "1", " {{b}} ", "ö "};
  std::string text;
  for (int i = 0; i < parts; ++i) {
    std::vector<const Variable*> lists;
    for (const Variable& variable : context.variables) {
      if (variable.type->kind == Kind::kList && variable.type->item->IsShown()) lists.push_back(&variable);
    }
    const uint32_t form = random_.Below(10);
    if (form < 3) {
      text += random_.Pick(kWords);
    } else if (form < 5 && !lists.empty()) {
      const Variable* list = random_.Pick(lists);
      const std::string name = NewName("t");
      text += Written{"{{for {} in {}}}{{{}}},{{end}}", name, list->name, name}.text;
    } else if (form < 6) {
      text += Written{"{{if {}}}{}{{else}}{}{{end}}", Leaf(types_.Bool(), context.Free()), Hole(context),
                      random_.Pick(kWords)}
                  .text;
    } else {
      text += Hole(context);
    }
  }
  return text;
}

Code ExpressionGenerator::Template(const Type* type, const Context& context) {
  if (type->kind != Kind::kText || context.plan) return std::nullopt;
  return "\"" + TemplateParts(context, random_.Between(1, 4)) + "\"";
}

Code ExpressionGenerator::TextFunction(const Type* type, const Context& context) {
  if (type->kind != Kind::kText) return std::nullopt;
  static const std::vector<std::string> kFunctions = {"lower", "upper", "trim", "normalise"};
  const Context free = context.Free();
  if (random_.Chance(30)) return Written{"join({}, \", \")", Expression(types_.ListOf(type), free)}.text;
  return Written{"{}({})", random_.Pick(kFunctions), Expression(type, free)}.text;
}

Code ExpressionGenerator::Constructor(const Type* type, const Context& context) {
  Context place = context;
  place.placed = true;
  if (type->kind == Kind::kNominal) return Written{"{}({})", type->name, Expression(type->item, context.Free())}.text;
  if (type->kind == Kind::kList) {
    const int count = random_.Between(1, 3);
    std::string text = "[";
    for (int i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + Expression(type->item, context.Free());
    return text + "]";
  }
  if (type->kind != Kind::kRecord && type->kind != Kind::kEnum) return std::nullopt;
  const bool record = type->kind == Kind::kRecord;
  const Type::Case* one = record ? nullptr : &random_.Pick(type->cases);
  const std::vector<Type::Field>& fields = record ? type->fields : one->fields;
  std::string text = record ? type->name : type->name + "." + one->name;
  if (fields.empty()) return text;
  for (size_t i = 0; i < fields.size(); ++i) text += (i > 0 ? ", " : "(") + Expression(fields[i].type, place);
  return text + ")";
}

Code ExpressionGenerator::Each(const Type* type, const Context& context) {
  if (type->kind != Kind::kList || context.loops > 1) return std::nullopt;
  const Type* item = types_.Plain(random_);
  const std::string list = Operand(types_.ListOf(item), context);
  const std::string name = NewName("x");
  const Context inner = context.InLoop().With(name, item).Free();
  if (random_.Chance(60)) return Written{"each {} in {} {}", name, list, Block(type->item, inner)}.text;
  std::string text = Written{"[{} for {} in {}", Expression(type->item, inner), name, list}.text;
  if (random_.Chance(50)) text += " if " + Expression(types_.Bool(), inner);
  return text + "]";
}

Code ExpressionGenerator::ListFunction(const Type* type, const Context& context) {
  if (type->kind != Kind::kList) return std::nullopt;
  const Context free = context.Free();
  if (type->item->kind == Kind::kInt && random_.Chance(30))
    return Written{"range(min({}, 3))", IntOperand(context)}.text;
  if (type->item->kind == Kind::kText && random_.Chance(30)) {
    return Written{"split({}, {})", Expression(types_.Text(), free), random_.Chance(50) ? "\" \"" : "\"\""}.text;
  }
  switch (random_.Below(4)) {
    case 0:
      return Written{"reverse({})", Expression(type, free)}.text;
    case 1:
      return Written{"{}({}, {})", random_.Chance(50) ? "take" : "drop", Expression(type, free),
                     Expression(types_.Int(), free)}
          .text;
    default:
      return Written{"{} + {}", Operand(type, context), Operand(type, context)}.text;
  }
}

Code ExpressionGenerator::Optional(const Type* type, const Context& context) {
  if (type->kind != Kind::kOptional) return std::nullopt;
  const Context free = context.Free();
  if (type->item->IsNumber() && random_.Chance(40)) {
    return Written{"{}({})", type->item->kind == Kind::kInt ? "parse_int" : "parse_float",
                   Expression(types_.Text(), free)}
        .text;
  }
  return Written{"{}({})", random_.Chance(50) ? "first" : "last", Expression(types_.ListOf(type->item), free)}.text;
}

// What converts by itself where the place gives the type.
Code ExpressionGenerator::Converted(const Type* type, const Context& context) {
  if (!context.placed) return std::nullopt;
  if (type->kind == Kind::kFloat) {
    // Not any Int: `if`, `match` and `??` pass the place's type on to their parts.
    for (const Variable& variable : context.variables) {
      if (variable.type->kind == Kind::kInt) return variable.name;
    }
    return std::nullopt;
  }
  if (type->kind == Kind::kOptional) return Expression(type->item, context.Free());
  if (type->kind != Kind::kText) return std::nullopt;
  for (const Variable& variable : context.variables) {
    if (variable.type->kind == Kind::kNominal && variable.type->IsText()) return variable.name;
  }
  return std::nullopt;
}

}  // namespace jade::differential
