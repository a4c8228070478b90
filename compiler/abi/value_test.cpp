#include "compiler/abi/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "compiler/abi/trap.h"

namespace jade::abi {
namespace {

TEST(Value, ScalarsKeepTheirKindAndContents) {
  EXPECT_TRUE(Value::None().is_none());
  EXPECT_TRUE(Value::Bool(true).as_bool());
  EXPECT_EQ(Value::Int(std::numeric_limits<int64_t>::min()).as_int(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(Value::Float(2.5).as_float(), 2.5);
  EXPECT_EQ(Value::Text(std::string("a\0b", 3)).as_text().size(), 3u);
  EXPECT_EQ(Value::Enum(3).as_enum_case(), 3u);
  EXPECT_TRUE(Value::Enum(3).as_enum_payload().empty());
}

TEST(Value, EqualityIsStructural) {
  auto note = [](const char* answer) { return Value::Record({Value::Text("q"), Value::List({Value::Text(answer)})}); };
  EXPECT_EQ(note("a"), note("a"));
  EXPECT_FALSE(note("a") == note("b"));
  EXPECT_FALSE(Value::Int(1) == Value::Float(1));
  EXPECT_FALSE(Value::None() == Value::Int(0));
  EXPECT_EQ(Value::Enum(1, {Value::Int(2)}), Value::Enum(1, {Value::Int(2)}));
  EXPECT_FALSE(Value::Enum(1, {Value::Int(2)}) == Value::Enum(2, {Value::Int(2)}));
  EXPECT_FALSE(Value::Float(std::numeric_limits<double>::quiet_NaN()) ==
               Value::Float(std::numeric_limits<double>::quiet_NaN()));
}

TEST(Value, AnOriginGoesWithItsValueAndIsNoPartOfIt) {
  Value text = Value::Text("a");
  EXPECT_EQ(text.origin(), 0u);
  text.set_origin(Value::kOrigins - 2);
  EXPECT_EQ(text, Value::Text("a"));
  Value copy = text;
  EXPECT_EQ(copy.origin(), Value::kOrigins - 2);
  const Value moved = std::move(copy);
  EXPECT_EQ(moved.origin(), Value::kOrigins - 2);
  text = Value::Enum(3);
  EXPECT_EQ(text.origin(), 0u);
  text.set_origin(0x010203);
  EXPECT_EQ(text.as_enum_case(), 3u);
  EXPECT_EQ(Value::List({text}).as_list()[0].origin(), 0x010203u);
}

TEST(Value, MutationCopiesWhatIsShared) {
  Value list = Value::List({Value::Int(1)});
  Value alias = list;
  alias.MutableList().push_back(Value::Int(2));
  EXPECT_EQ(list.as_list().size(), 1u);
  EXPECT_EQ(alias.as_list().size(), 2u);
  const void* before = alias.as_list().data();
  alias.MutableList()[0] = Value::Int(9);
  EXPECT_EQ(alias.as_list().data(), before);
}

TEST(Value, SelfAssignmentAndAssignmentFromOwnItem) {
  Value list = Value::List({Value::List({Value::Text("deep")})});
  Value& same = list;
  list = same;
  list = list.as_list()[0];
  EXPECT_EQ(list.as_list()[0].as_text(), "deep");
}

TEST(Value, DeepValuesNeitherCompareNorDieOnTheStack) {
  Value a = Value::Int(0);
  Value b = Value::Int(0);
  for (int i = 0; i < 1'000'000; ++i) {
    a = Value::List({std::move(a)});
    b = Value::Record({std::move(b)});
  }
  EXPECT_EQ(a, a);
  EXPECT_FALSE(a == b);
  EXPECT_LE(DisplayText(a).size(), 3u * 4096);
}

TEST(Value, DisplayText) {
  EXPECT_EQ(DisplayText(Value::Float(1)), "1.0");
  EXPECT_EQ(DisplayText(Value::Float(0.1)), "0.1");
  EXPECT_EQ(DisplayText(Value::Float(1e300)), "1e+300");
  EXPECT_EQ(DisplayText(Value::Int(-7)), "-7");
  EXPECT_EQ(DisplayText(Value::List({Value::Text("a"), Value::Bool(false)})), "[\"a\", false]");
  EXPECT_EQ(DisplayText(Value::Enum(1, {Value::None()})), "#1(none)");
}

TEST(Trap, NamesThePlaceAndThePath) {
  Trap trap;
  trap.kind = TrapKind::kIndexOutOfRange;
  trap.message = "index 7 is out of range for a list of 3";
  trap.file = std::make_shared<source::SourceFile>("a.jade", "let x =\n  xs[7]\n");
  trap.span = {10, 15};
  trap.call_path = "Solve/fold[1]";
  EXPECT_EQ(trap.ToString(), "a.jade:2:3: index 7 is out of range for a list of 3 (in Solve/fold[1])");
  EXPECT_EQ(trap.ToJson(),
            R"({"kind":"index_out_of_range","message":"index 7 is out of range for a list of 3","file":"a.jade",)"
            R"("line":2,"column":3,"path":"Solve/fold[1]"})");
}

}  // namespace
}  // namespace jade::abi
