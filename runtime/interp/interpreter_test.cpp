#include "runtime/interp/interpreter.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <limits>

#include "compiler/ir/reader.h"
#include "runtime/interp/sample_functions.h"

namespace jade::interp {
namespace {

using abi::Value;

// Runs the only function of a module given as JIR text; a value's text, or "kind: message".
std::string Evaluate(const std::string& function, std::vector<Value> arguments = {}, int64_t fuel = 100'000) {
  auto module = ir::Read("jir 1\nenum Step {Go(n: Int), Stop}\n\n" + function);
  if (!module.ok()) return module.error().ToString();
  builtins::Settings settings;
  settings.max_value_bytes = 4096;
  PureResult result = EvaluatePure(*module, {0}, std::move(arguments), {}, settings, nullptr, fuel);
  if (result.trap) return std::string(abi::TrapKindName(result.trap->kind)) + ": " + result.trap->message;
  return abi::DisplayText(result.value);
}

std::string Binary(const char* op, const char* type, Value a, Value b, const char* result = nullptr) {
  const std::string out = result != nullptr ? result : type;
  return Evaluate("pure F(%0: " + std::string(type) + " a, %1: " + type + " b) -> " + out + " {\n  %2: " + out + " = " +
                      op + "(%0, %1)\n  yield(%2)\n}\n",
                  {std::move(a), std::move(b)});
}

TEST(Interpreter, IntegersTrapInsteadOfWrapping) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Binary("int.add", "Int", Value::Int(2), Value::Int(3)), "5");
  EXPECT_EQ(Binary("int.add", "Int", Value::Int(kMax), Value::Int(1)), "int_overflow: the result does not fit an Int");
  EXPECT_EQ(Binary("int.mul", "Int", Value::Int(kMin), Value::Int(-1)), "int_overflow: the result does not fit an Int");
  EXPECT_EQ(Binary("int.div", "Int", Value::Int(-7), Value::Int(2)), "-3");
  EXPECT_EQ(Binary("int.rem", "Int", Value::Int(-7), Value::Int(2)), "-1");
  EXPECT_EQ(Binary("int.div", "Int", Value::Int(1), Value::Int(0)), "division_by_zero: division by zero");
  EXPECT_EQ(Binary("int.div", "Int", Value::Int(kMin), Value::Int(-1)), "int_overflow: the result does not fit an Int");
  EXPECT_EQ(Binary("int.rem", "Int", Value::Int(kMin), Value::Int(-1)), "0");
  EXPECT_EQ(Binary("float.div", "Float", Value::Float(1), Value::Float(0)), "division_by_zero: division by zero");
  EXPECT_EQ(Binary("lt", "Text", Value::Text("a"), Value::Text("b"), "Bool"), "true");
  EXPECT_EQ(Binary("le", "Float", Value::Float(1), Value::Float(std::numeric_limits<double>::quiet_NaN()), "Bool"),
            "false");
}

TEST(Interpreter, FoldGivesItemsAndIndices) {
  EXPECT_EQ(Evaluate(samples::kFoldOfRange, {Value::Int(4)}), "12");
  EXPECT_EQ(Evaluate(samples::kFoldOfRange, {Value::Int(0)}), "0");
}

TEST(Interpreter, FuelAndMemoryEndWhatDoesNotEnd) {
  EXPECT_EQ(Evaluate(samples::kFoldOfRange, {Value::Int(200)}, 100),
            "fuel: the run took more steps than one run may take");
  EXPECT_TRUE(Evaluate(samples::kFoldOfRange, {Value::Int(1000)}).starts_with("memory: "));
  EXPECT_EQ(Evaluate(samples::kForever, {Value::Int(std::numeric_limits<int64_t>::max())}),
            "fuel: the run took more steps than one run may take");
  EXPECT_TRUE(Evaluate(samples::kDoubling, {Value::Text("x"), Value::Int(100)}).starts_with("memory: "));
}

TEST(Interpreter, EachFiltersAndTheLeastItemsTrapWins) {
  auto list = [](std::vector<int64_t> numbers) {
    std::vector<Value> items;
    for (int64_t number : numbers) items.push_back(Value::Int(number));
    return Value::List(std::move(items));
  };
  EXPECT_EQ(Evaluate(samples::kEachWithFilter, {list({1, -1, 5})}), "[10, 4]");
  EXPECT_EQ(Evaluate(samples::kEachWithFilter, {list({})}), "[]");
  EXPECT_EQ(Evaluate(samples::kEachWithFilter, {list({1, 0, 5})}), "division_by_zero: division by zero");
}

TEST(Interpreter, MapFilters) {
  EXPECT_EQ(Evaluate(samples::kMapWithFilter, {Value::List({Value::Int(1), Value::Int(3), Value::Int(4)})}), "[3, 8]");
}

TEST(Interpreter, SwitchBindsThePayload) {
  EXPECT_EQ(Evaluate(samples::kSwitchOnStep, {Value::Enum(0, {Value::Int(7)})}), "7");
  EXPECT_EQ(Evaluate(samples::kSwitchOnStep, {Value::Enum(1)}), "-1");
}

TEST(Interpreter, WithinCatchesTraps) {
  const char* within = R"(workflow F(%0: Int n) -> Int {
  %1: Int = const.int 1
  %2: Int = within calls(%1) {
    %3: Int = int.div(%1, %0)
    yield(%3)
  } {
    %4: Int = const.int -1
    yield(%4)
  }
  yield(%2)
}
)";
  EXPECT_EQ(Evaluate(within, {Value::Int(1)}), "1");
  EXPECT_EQ(Evaluate(within, {Value::Int(0)}), "-1");
}

TEST(Interpreter, RecursionWithoutEndIsADepthTrap) {
  EXPECT_EQ(Evaluate(samples::kEndlessRecursion, {Value::Int(1)}), "depth_budget: the budget of depth 1000 is used up");
}

// Where F traps, in "file:byte kind in path", or what it gives.
std::string OfFrames(const std::string& body, int64_t divisor) {
  const auto module = ir::Read(R"(jir 1
file "f.jade"
file "g.jade"

workflow G(%0: Int d) -> [Int] file 1 {
  %1: [Int] = list(%0, %0)
  %2: [Int] = each(%1) { (%3: Int, %4: Int)
    %5: Int = call H(%3) @H
    yield(%5)
  }
  yield(%2)
}

workflow H(%0: Int d) -> Int file 1 {
  %1: Int = const.int 6
  %2: Int = int.div(%1, %0) ~30..31
  yield(%2)
}

workflow F(%0: Int d) -> [Int] file 0 {
)" + body + "}\n");
  if (!module.ok()) return module.error().ToString();
  const PureResult result = EvaluatePure(*module, (*module)->FindFunction("F"), {Value::Int(divisor)}, {}, {});
  if (!result.trap) return abi::DisplayText(result.value);
  return fmt::format("{}:{} {} in {}", result.trap->file->name(), result.trap->span.begin,
                     abi::TrapKindName(result.trap->kind), result.trap->call_path);
}

// One `fold` over [d], whose body calls G(d), or is G's in its place.
constexpr const char* kCalled = R"(  %1: [Int] = list(%0)
  %2: [Int] = list()
  %3: [Int] = fold(%1, %2) { (%4: [Int], %5: Int, %6: Int)
    %7: [Int] = call G(%5) @G:first
    yield(%7)
  }
  yield(%3)
)";
constexpr const char* kEntered = R"(  %1: [Int] = list(%0)
  %2: [Int] = list()
  %3: [Int] = fold(%1, %2) { (%4: [Int], %5: Int, %6: Int)
    %7: [Int] = enter G @G:first {
      %8: [Int] = list(%5, %5)
      %9: [Int] = each(%8) { (%10: Int, %11: Int)
        %12: Int = enter H @H {
          %13: Int = const.int 6
          %14: Int = int.div(%13, %10) ~30..31
          yield(%14)
        }
        yield(%12)
      }
      yield(%9)
    }
    yield(%7)
  }
  yield(%3)
)";
// The trap of an inlined frame is caught outside of it; what follows is the function's own again.
constexpr const char* kCaught = R"(  %1: Int = const.int 1
  %2: Int = within calls(%1) {
    %3: Int = enter H @H {
      %4: Int = const.int 6
      %5: Int = int.div(%4, %0) ~30..31
      yield(%5)
    }
    yield(%3)
  } {
    yield(%1)
  }
  %6: Int = int.div(%2, %0) ~10..11
  %7: [Int] = list(%6)
  yield(%7)
)";

TEST(Interpreter, AnInlinedFrameIsAsTheCall) {
  EXPECT_EQ(OfFrames(kCalled, 2), "[3, 3]");
  EXPECT_EQ(OfFrames(kEntered, 2), "[3, 3]");
  EXPECT_EQ(OfFrames(kCalled, 0), "g.jade:30 division_by_zero in F/G@first[0]/H[0]");
  EXPECT_EQ(OfFrames(kEntered, 0), "g.jade:30 division_by_zero in F/G@first[0]/H[0]");
  EXPECT_EQ(OfFrames(kCaught, 2), "[1]");
  EXPECT_EQ(OfFrames(kCaught, 0), "f.jade:10 division_by_zero in F");
}

TEST(Interpreter, AnInlinedFrameCountsAsDepth) {
  const char* endless = R"(workflow F(%0: Int n) -> Int {
  %1: Int = enter F @F {
    %2: Int = call F(%0) @F !0
    yield(%2)
  }
  yield(%1)
}
)";
  EXPECT_EQ(Evaluate(endless, {Value::Int(1)}), "depth_budget: the budget of depth 1000 is used up");
}

TEST(Interpreter, TemplatesEmitText) {
  auto module = ir::Read(R"(jir 1

template F(%0: [Text] xs) -> Never {
  emit.text "<"
  emit.for(%0) { (%1: Text, %2: Int)
    %3: Text = display(%2)
    emit(%3)
    emit(%1)
    yield
  }
  emit.text ">"
  yield
}
)");
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  std::string text;
  EvaluatePure(*module, {0}, {Value::List({Value::Text("a"), Value::Text("b")})}, {}, {}, &text);
  EXPECT_EQ(text, "<0a1b>");
}

}  // namespace
}  // namespace jade::interp
