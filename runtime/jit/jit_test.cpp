#include "runtime/jit/jit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "compiler/ir/reader.h"
#include "runtime/interp/interpreter.h"
#include "runtime/interp/sample_functions.h"
#include "runtime/jit/tiers.h"

namespace jade::jit {
namespace {

using abi::Value;

std::shared_ptr<Jit> MakeJit(codegen::Optimise optimise, std::string cache = {}) {
  JitOptions options;
  options.optimise = optimise;
  options.cache_directory = std::move(cache);
  auto jit = Jit::Create(options);
  EXPECT_TRUE(jit.ok());
  return *jit;
}

std::string Outcome(const ir::ModulePtr& module, const std::vector<Value>& arguments, interp::CodeSource* code) {
  builtins::Settings settings;
  settings.max_value_bytes = 4096;
  const interp::PureResult result = interp::EvaluatePure(module, {0}, arguments, {}, settings, nullptr, 100'000, code);
  if (result.trap) return result.trap->ToString();
  return abi::DisplayText(result.value);
}

// The outcome of the only function of a module given as JIR text, the same in the interpreter, in plain code and in
// optimised code.
std::string Evaluate(const std::string& function, const std::vector<Value>& arguments = {}) {
  auto module = ir::Read("jir 1\nenum Step {Go(n: Int), Stop}\nrecord Pair {a: Int, b: Text}\n\n" + function);
  if (!module.ok()) return module.error().ToString();
  std::string expected = Outcome(*module, arguments, nullptr);
  for (const auto optimise : {codegen::Optimise::kNone, codegen::Optimise::kFull}) {
    Tiers tiers(MakeJit(optimise), {.at_once = true});
    EXPECT_EQ(Outcome(*module, arguments, &tiers), expected);
    EXPECT_EQ(tiers.compiled(), 1U);
  }
  return expected;
}

TEST(Jit, IntegersAndFloatsAreThoseOfTheInterpreter) {
  const int64_t ints[] = {0, 1, -1, 7, -7, std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};
  for (const char* op : {"int.add", "int.sub", "int.mul", "int.div", "int.rem", "eq", "ne", "lt", "le", "gt", "ge"}) {
    const std::string result = op[0] == 'i' ? "Int" : "Bool";
    auto module = ir::Read("jir 1\n\npure F(%0: Int a, %1: Int b) -> " + result + " {\n  %2: " + result + " = " + op +
                           "(%0, %1)\n  yield(%2)\n}\n");
    ASSERT_TRUE(module.ok());
    Tiers plain(MakeJit(codegen::Optimise::kNone), {.at_once = true});
    Tiers full(MakeJit(codegen::Optimise::kFull), {.at_once = true});
    for (const int64_t a : ints) {
      for (const int64_t b : ints) {
        const std::vector<Value> arguments = {Value::Int(a), Value::Int(b)};
        const std::string expected = Outcome(*module, arguments, nullptr);
        EXPECT_EQ(Outcome(*module, arguments, &plain), expected) << op << " " << a << " " << b;
        EXPECT_EQ(Outcome(*module, arguments, &full), expected) << op << " " << a << " " << b;
      }
    }
  }
}

TEST(Jit, LoopsCarryNumbersAndTexts) {
  EXPECT_EQ(Evaluate(interp::samples::kFoldOfRange, {Value::Int(4)}), "12");
  EXPECT_EQ(Evaluate(interp::samples::kFoldOfRange, {Value::Int(0)}), "0");
  EXPECT_EQ(Evaluate(interp::samples::kDoubling, {Value::Text("ab"), Value::Int(3)}), "abababababababab");
  EXPECT_EQ(Evaluate(interp::samples::kDoubling, {Value::Text("ab"), Value::Int(0)}), "ab");
  EXPECT_NE(Evaluate(interp::samples::kDoubling, {Value::Text("ab"), Value::Int(30)}).find("larger than"),
            std::string::npos);
}

TEST(Jit, MapsFilterAndIndex) {
  EXPECT_EQ(Evaluate(interp::samples::kMapWithFilter, {Value::List({Value::Int(1), Value::Int(3), Value::Int(4)})}),
            "[3, 8]");
  EXPECT_EQ(Evaluate(interp::samples::kMapWithFilter, {Value::List({})}), "[]");
  const char* index = R"(pure F(%0: [Text] xs, %1: Int i) -> Pair {
  %2: Text = index(%0, %1)
  %3: Pair = record(%1, %2)
  %4: Int = field a(%3)
  %5: Text = field b(%3)
  %6: Pair = record(%4, %5)
  yield(%6)
}
)";
  EXPECT_EQ(Evaluate(index, {Value::List({Value::Text("a"), Value::Text("b")}), Value::Int(1)}), "{1, \"b\"}");
  EXPECT_NE(Evaluate(index, {Value::List({Value::Text("a")}), Value::Int(-1)}).find("out of range"), std::string::npos);
}

TEST(Jit, SwitchBindsThePayload) {
  EXPECT_EQ(Evaluate(interp::samples::kSwitchOnStep, {Value::Enum(0, {Value::Int(7)})}), "7");
  EXPECT_EQ(Evaluate(interp::samples::kSwitchOnStep, {Value::Enum(1)}), "-1");
}

TEST(Jit, NothingRunsAway) {
  EXPECT_NE(Evaluate(interp::samples::kForever, {Value::Int(std::numeric_limits<int64_t>::max())}).find("more steps"),
            std::string::npos);
}

TEST(Jit, EachRunsChildTasks) {
  auto list = [](const std::vector<int64_t>& numbers) {
    std::vector<Value> items;
    for (const int64_t number : numbers) items.push_back(Value::Int(number));
    return Value::List(std::move(items));
  };
  EXPECT_EQ(Evaluate(interp::samples::kEachWithFilter, {list({1, -1, 5})}), "[10, 4]");
  EXPECT_EQ(Evaluate(interp::samples::kEachWithFilter, {list({})}), "[]");
  EXPECT_NE(Evaluate(interp::samples::kEachWithFilter, {list({1, 0, 5})}).find("division by zero"), std::string::npos);
}

TEST(Jit, AnItemIsGivenWhatItsBodyAndItsFilterUse) {
  const char* each = R"(workflow F(%0: [Int] xs, %1: Int a, %2: Int b, %3: Int c, %4: Int d) -> [Int] {
  %5: [Int] = each(%0) { (%6: Int, %7: Int)
    %8: Int = int.add(%1, %2)
    %9: Int = int.add(%8, %6)
    yield(%9)
  } { (%10: Int, %11: Int)
    %12: Int = int.add(%3, %4)
    %13: Bool = ge(%12, %10)
    yield(%13)
  }
  yield(%5)
}
)";
  const Value xs = Value::List({Value::Int(1), Value::Int(9), Value::Int(2)});
  EXPECT_EQ(Evaluate(each, {xs, Value::Int(10), Value::Int(20), Value::Int(3), Value::Int(4)}), "[31, 32]");
}

TEST(Jit, WithinCatchesTraps) {
  const char* within = R"(workflow F(%0: Int n) -> Int {
  %1: Int = const.int 1
  %2: Int = int.add(%0, %1)
  %3: Int = within calls(%1) {
    %4: Int = int.div(%1, %0)
    yield(%4)
  } {
    %5: Int = int.sub(%2, %1)
    %6: Int = int.sub(%5, %1)
    yield(%6)
  }
  %7: Int = int.mul(%3, %2)
  yield(%7)
}
)";
  EXPECT_EQ(Evaluate(within, {Value::Int(1)}), "2");
  EXPECT_EQ(Evaluate(within, {Value::Int(0)}), "-1");
}

TEST(Jit, RecursionWithoutEndIsADepthTrap) {
  EXPECT_NE(Evaluate(interp::samples::kEndlessRecursion, {Value::Int(1)}).find("the budget of depth 1000 is used up"),
            std::string::npos);
}

}  // namespace
}  // namespace jade::jit
