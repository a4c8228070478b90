#include "runtime/builtins/builtins.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace jade::builtins {
namespace {

using abi::Value;

std::string Call(std::string_view name, std::vector<Value> arguments) {
  const std::optional<ir::Builtin> builtin = ir::BuiltinOf(name);
  EXPECT_TRUE(builtin.has_value()) << name;
  Value out;
  Failure failure;
  Settings settings;
  settings.max_value_bytes = 1000;
  if (!Apply(*builtin, arguments, settings, &out, &failure)) {
    return std::string(abi::TrapKindName(failure.kind)) + ": " + failure.message;
  }
  return abi::DisplayText(out);
}

Value T(const char* text) {
  return Value::Text(text);
}
Value I(int64_t number) {
  return Value::Int(number);
}
Value F(double number) {
  return Value::Float(number);
}
Value L(std::vector<Value> items) {
  return Value::List(std::move(items));
}

TEST(Builtins, Measures) {
  EXPECT_EQ(Call("em", {T("The Hague"), L({T("hague")})}), "1.0");
  EXPECT_EQ(Call("f1", {T("a b c"), L({T("b d")})}), "0.5");
  EXPECT_EQ(Call("accuracy", {T("in The Hague"), L({T("hague")})}), "1.0");
  EXPECT_EQ(Call("yes_no", {L({T("No")})}), "true");
  EXPECT_EQ(Call("normalise", {T("An É.")}), "e");
  EXPECT_EQ(Call("words", {T("two-part word")}), "2");
  EXPECT_EQ(Call("terms", {T("two-part word")}), "3");
}

TEST(Builtins, Texts) {
  EXPECT_EQ(Call("length", {T("Zoë")}), "3");
  EXPECT_EQ(Call("contains", {T("abc"), T("bc")}), "true");
  EXPECT_EQ(Call("starts_with", {T("abc"), T("bc")}), "false");
  EXPECT_EQ(Call("ends_with", {T("abc"), T("bc")}), "true");
  EXPECT_EQ(Call("lower", {T("ÀB")}), "àb");
  EXPECT_EQ(Call("upper", {T("àb")}), "ÀB");
  EXPECT_EQ(Call("trim", {T(" x ")}), "x");
  EXPECT_EQ(Call("join", {L({T("a"), T("b")}), T(", ")}), "a, b");
  EXPECT_EQ(Call("split", {T("a,,b"), T(",")}), R"(["a", "", "b"])");
  EXPECT_EQ(Call("split", {T(" a  b "), T("")}), R"(["a", "b"])");
}

TEST(Builtins, Numbers) {
  EXPECT_EQ(Call("min", {I(2), I(-3)}), "-3");
  EXPECT_EQ(Call("max", {F(2), F(std::nan(""))}), "nan");
  EXPECT_EQ(Call("abs", {I(std::numeric_limits<int64_t>::min())}),
            "int_overflow: the result of `abs` does not fit an Int");
  EXPECT_EQ(Call("round", {F(-2.5)}), "-3");
  EXPECT_EQ(Call("floor", {F(-2.5)}), "-3");
  EXPECT_EQ(Call("round", {F(9.3e18)}), "int_overflow: the result of `round` does not fit an Int");
  EXPECT_EQ(Call("floor", {F(std::nan(""))}), "int_overflow: the result of `floor` does not fit an Int");
  EXPECT_EQ(Call("parse_int", {T("+12")}), "12");
  for (const char* bad : {"", "+", "+-1", "12 ", "0x1", "99999999999999999999"}) {
    EXPECT_EQ(Call("parse_int", {T(bad)}), "none") << bad;
  }
  EXPECT_EQ(Call("parse_float", {T("-1.5e2")}), "-150.0");
  for (const char* bad : {"", "inf", "nan", "1.5x", "1e999"}) EXPECT_EQ(Call("parse_float", {T(bad)}), "none") << bad;
}

TEST(Builtins, Lists) {
  const Value abc = L({T("a"), T("b"), T("c")});
  EXPECT_EQ(Call("len", {abc}), "3");
  EXPECT_EQ(Call("distinct", {abc}), "true");
  EXPECT_EQ(Call("distinct", {L({I(1), I(2), I(1)})}), "false");
  EXPECT_EQ(Call("in", {T("b"), abc}), "true");
  EXPECT_EQ(Call("first", {abc}), "a");
  EXPECT_EQ(Call("last", {L({})}), "none");
  EXPECT_EQ(Call("take", {abc, I(-1)}), "[]");
  EXPECT_EQ(Call("take", {abc, I(99)}), R"(["a", "b", "c"])");
  EXPECT_EQ(Call("drop", {abc, I(2)}), R"(["c"])");
  EXPECT_EQ(Call("reverse", {abc}), R"(["c", "b", "a"])");
  EXPECT_EQ(Call("range", {I(3)}), "[0, 1, 2]");
  EXPECT_EQ(Call("range", {I(-3)}), "[]");
  EXPECT_EQ(Call("sum", {L({F(0.5), F(1)})}), "1.5");
  EXPECT_EQ(Call("sum", {L({I(std::numeric_limits<int64_t>::max()), I(1)})}),
            "int_overflow: the result of `sum` does not fit an Int");
}

TEST(Builtins, LargeValuesTrap) {
  EXPECT_TRUE(Call("range", {I(std::numeric_limits<int64_t>::max())}).starts_with("memory: "));
  EXPECT_TRUE(Call("range", {I(64)}).starts_with("memory: "));
  const std::string text(400, 'x');
  EXPECT_TRUE(Call("join", {L({T(text.c_str()), T(text.c_str()), T(text.c_str())}), T("")}).starts_with("memory: "));
}

}  // namespace
}  // namespace jade::builtins
