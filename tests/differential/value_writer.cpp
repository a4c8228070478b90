#include "tests/differential/value_writer.h"

namespace jade::differential {
namespace {

const std::string& SomeText(Random& random) {
  static const std::vector<std::string> kTexts = {"",    "a",   "red apple",          "the end", "42",
                                                  "yes", "ä b", "one two three four", "-7"};
  return random.Pick(kTexts);
}

const std::string& SomeInt(Random& random) {
  static const std::vector<std::string> kInts = {"0", "1", "2", "3", "-1", "5", "17", "-9223372036854775808"};
  return random.Pick(kInts);
}

const std::string& SomeFloat(Random& random) {
  static const std::vector<std::string> kFloats = {"0.0", "1.0", "-0.5", "2.25", "1e6"};
  return random.Pick(kFloats);
}

std::string Fields(const std::vector<Type::Field>& fields, Random& random) {
  std::string text = "{";
  for (const Type::Field& field : fields) {
    text += (text.size() > 1 ? ", \"" : "\"") + field.name + "\": " + JsonValue(*field.type, random);
  }
  return text + "}";
}

}  // namespace

std::string JsonValue(const Type& type, Random& random) {
  switch (type.kind) {
    case Kind::kInt:
      return SomeInt(random);
    case Kind::kFloat:
      return SomeFloat(random);
    case Kind::kBool:
      return random.Chance(50) ? "true" : "false";
    case Kind::kText:
      return "\"" + SomeText(random) + "\"";
    case Kind::kNominal:
      return JsonValue(*type.item, random);
    case Kind::kOptional:
      return random.Chance(40) ? "null" : JsonValue(*type.item, random);
    case Kind::kList: {
      const int count = random.Between(0, 3);
      std::string text = "[";
      for (int i = 0; i < count; ++i) text += (i > 0 ? ", " : "") + JsonValue(*type.item, random);
      return text + "]";
    }
    case Kind::kRecord:
      return Fields(type.fields, random);
    case Kind::kEnum: {
      const Type::Case& one = random.Pick(type.cases);
      const std::string name = "\"" + one.name + "\"";
      return one.fields.empty() ? name : "{" + name + ": " + Fields(one.fields, random) + "}";
    }
    case Kind::kPlan:
      break;
  }
  return "null";
}

std::string InputText(const Type& type, Random& random) {
  if (type.IsText()) return SomeText(random);
  if (type.kind == Kind::kOptional && type.item->IsText()) return SomeText(random);
  return JsonValue(type, random);
}

std::string ReplyText(const Type& type, Random& random) {
  if (type.IsText()) return SomeText(random);
  return JsonValue(type, random);
}

}  // namespace jade::differential
