#include "compiler/ir/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ir/builder.h"
#include "compiler/ir/reader.h"

namespace jade::ir {
namespace {

using ::testing::HasSubstr;

// One broken body of `workflow W(%0: Int n, %1: [Int] xs, %2: Text t) -> Int` and what the verifier says.
struct Broken {
  const char* name;
  const char* body;
  const char* problem;
};

class BrokenBodies : public ::testing::TestWithParam<Broken> {};

TEST_P(BrokenBodies, AreRejected) {
  std::string text =
      "jir 1\nexecutor E(n: Int) -> Int {\n  format text Int\n}\n"
      "workflow W(%0: Int n, %1: [Int] xs, %2: Text t) -> Int {\n";
  auto module = Read(text + GetParam().body + "\n}\n");
  ASSERT_FALSE(module.ok());
  EXPECT_THAT(module.error().ToString(), HasSubstr(GetParam().problem));
}

INSTANTIATE_TEST_SUITE_P(
    Verifier, BrokenBodies,
    ::testing::Values(
        Broken{"no_end", "%3: Int = int.add(%0, %0)", "a region ends in yield or trap"},
        Broken{"empty", "", "an empty region"},
        Broken{"after_end", "yield(%0)\nyield(%0)", "after it nothing is reached"},
        Broken{"enter_region", "%3: Int = enter W @W\nyield(%3)", "wrong number of regions"},
        Broken{"enter_type", "%3: Text = enter W @W {\nyield(%2)\n}\nyield(%0)", "result of another type"},
        Broken{"enter_site", "%3: Int = enter W {\nyield(%0)\n}\nyield(%3)", "a call needs a site"},
        Broken{
            "enter_sites",
            "%3: Int = enter W @W {\n%4: Int = call W(%0, %1, %2) @W\n%5: Int = call W(%4, %1, %2) @W\nyield(%5)\n}\n"
            "yield(%3)",
            "the site is not unique"},
        Broken{"enter_future",
               "%3: future Int = issue E(%0) @E\n%4: Int = enter W @W {\n%5: Int = await(%3)\nyield(%5)\n}\nyield(%4)",
               "the future is from outside this arm or loop body"},
        Broken{"operand_type", "%3: Int = int.add(%0, %2)\nyield(%3)", "operand of another type"},
        Broken{"operand_count", "%3: Int = int.add(%0)\nyield(%3)", "takes 2 operands, has 1"},
        Broken{"result_type", "%3: Text = int.add(%0, %0)\nyield(%0)", "result of another type"},
        Broken{"no_result", "int.add(%0, %0)\nyield(%0)", "needs a result"},
        Broken{"yield_type", "yield(%2)", "the body yields another type"},
        Broken{"yield_count", "yield(%0, %0)", "the body yields another number"},
        Broken{"scope",
               "%3: Bool = const.bool true\n%4: Int = if(%3) {\n%5: Int = const.int 1\nyield(%5)\n} "
               "{\nyield(%5)\n}\nyield(%4)",
               "operand 5 is not visible here"},
        Broken{"own_result", "%3: Int = int.add(%3, %0)\nyield(%3)", "operand 3 is not visible here"},
        Broken{"regions", "%3: Bool = const.bool true\n%4: Int = if(%3) {\nyield(%0)\n}\nyield(%4)",
               "wrong number of regions"},
        Broken{"region_yield",
               "%3: Bool = const.bool true\n%4: Int = if(%3) {\nyield(%0)\n} {\nyield(%2)\n}\nyield(%4)",
               "region yields another type"},
        Broken{"region_params", "%3: [Int] = map(%1) { (%4: Text, %5: Int)\nyield(%0)\n}\nyield(%0)",
               "region parameter of another type"},
        Broken{"map_calls",
               "%3: [Int] = map(%1) { (%4: Int, %5: Int)\n%6: future Int = issue E(%4) @E\n%7: Int = "
               "await(%6)\nyield(%7)\n}\nyield(%0)",
               "no calls are made here"},
        Broken{"no_await", "%3: future Int = issue E(%0) @E\nyield(%0)", "the future 3 is never awaited"},
        Broken{"await_in_arm",
               "%3: future Int = issue E(%0) @E\n%4: Bool = const.bool true\n%5: Int = if(%4) {\n%6: Int = "
               "await(%3)\nyield(%6)\n} {\nyield(%0)\n}\nyield(%5)",
               "the future is from outside this arm"},
        Broken{"await_of_value", "%3: Int = await(%0)\nyield(%3)", "the operand is not a future"},
        Broken{"future_as_value", "%3: future Int = issue E(%0) @E\n%4: Int = int.neg(%3)\nyield(%4)",
               "only await takes one"},
        Broken{"future_result", "%3: Int = issue E(%0) @E\nyield(%3)", "the result must be a future"},
        Broken{"argument_type", "%3: future Int = issue E(%2) @E\n%4: Int = await(%3)\nyield(%4)",
               "argument of another type"},
        Broken{"no_site", "%3: future Int = issue E(%0)\n%4: Int = await(%3)\nyield(%4)", "a call needs a site"},
        Broken{"site_of_no_call", "%3: Int = int.neg(%0) @E\nyield(%3)", "only calls have sites"},
        Broken{"site_twice",
               "%3: future Int = issue E(%0) @E\n%4: future Int = issue E(%0) @E\n%5: Int = await(%3)\n%6: Int = "
               "await(%4)\nyield(%5)",
               "the site is not unique"},
        Broken{"emit", "emit(%2)\nyield(%0)", "only templates emit"},
        Broken{"test", "%3: Bool = const.bool true\ntest.expect \"x\"(%3)\nyield(%0)", "only in the body of a test"},
        Broken{"cast", "%3: Text = cast(%0)\nyield(%0)", "the types differ in more than name"},
        Broken{"switch_cases", "%3: Int? = some(%0)\n%4: Int = switch [0](%3) {\nyield(%0)\n}\nyield(%4)",
               "one region a case"},
        Broken{"switch_payload", "%3: Int? = some(%0)\n%4: Int = switch [0 0](%3) { (%5: Int)\nyield(%0)\n}\nyield(%4)",
               "region parameters are its one case's payload"},
        Broken{"switch_region", "%3: Int? = some(%0)\n%4: Int = switch [0 9](%3) {\nyield(%0)\n}\nyield(%4)",
               "region out of range"},
        Broken{"limits", "%3: Int = within {\nyield(%0)\n}\nyield(%3)", "unknown limits"},
        Broken{"builtin", "%3: Int = builtin len(%0)\nyield(%3)", "operands do not fit the builtin"},
        Broken{"ordered", "%3: Bool = lt(%1, %1)\nyield(%0)", "are ordered"},
        Broken{"recursive_value", "%3: Int = spawn {\nyield(%0)\n}\nyield(%0)", "the result must be a future"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Verifier, ChecksWhatCalleesReferTo) {
  std::string text =
      "jir 1\nexecutor E(n: Int) -> Int {\n  format text Int\n  check C\n}\n"
      "check C(%0: Int n) -> Bool {\n  %1: Bool = const.bool true\n  yield(%1)\n}\n";
  auto module = Read(text);
  ASSERT_FALSE(module.ok());
  EXPECT_THAT(module.error().ToString(), HasSubstr("`C` has another signature"));
  auto format = Read("jir 1\nexecutor E(n: Int) -> Int {\n  format plan w\n}\n");
  ASSERT_FALSE(format.ok());
  EXPECT_THAT(format.error().ToString(), HasSubstr("the output format does not fit the result"));
}

// Tables as no reader makes them.
class BrokenTables : public ::testing::Test {
 protected:
  BrokenTables() : module_(std::make_shared<types::TypeTable>()) {
    FunctionBuilder builder("W", FunctionKind::kWorkflow, types::TypeTable::Int());
    ValueId n = builder.Parameter("n", types::TypeTable::Int());
    ValueId t = builder.Op(Opcode::kConstBool, {}, types::TypeTable::Bool(), {.imm = 1});
    auto op = builder.Begin(Opcode::kIf, std::initializer_list<ValueId>{t}, 2, types::TypeTable::Int());
    for (uint32_t i = 0; i < 2; ++i) {
      builder.OpenRegion(op, i);
      builder.Yield({n});
      builder.CloseRegion();
    }
    builder.Yield({op.result});
    function_ = builder.Finish();
  }
  std::string Problem() {
    Status status = VerifyFunction(module_, function_);
    return status.ok() ? "fine" : status.error().ToString();
  }
  Module module_;
  Function function_;
};

TEST_F(BrokenTables, Whole) {
  EXPECT_EQ(Problem(), "fine");
}
TEST_F(BrokenTables, OperandRange) {
  function_.ops[1].operand_begin = 1'000'000;
  EXPECT_THAT(Problem(), HasSubstr("operands out of range"));
}
TEST_F(BrokenTables, OperandIndex) {
  function_.operands[0] = {77};
  EXPECT_THAT(Problem(), HasSubstr("operand out of range"));
}
TEST_F(BrokenTables, RegionRange) {
  function_.ops[1].region_count = 9;
  EXPECT_THAT(Problem(), HasSubstr("regions out of range"));
}
TEST_F(BrokenTables, RegionCycle) {
  function_.ops[1].first_region = {0};
  EXPECT_THAT(Problem(), HasSubstr("a region encloses itself"));
}
TEST_F(BrokenTables, SharedOperation) {
  function_.regions[2].op_begin = function_.regions[1].op_begin;
  EXPECT_THAT(Problem(), HasSubstr("in two regions"));
}
TEST_F(BrokenTables, ValueDefinedTwice) {
  function_.ops[1].result = function_.ops[0].result;
  EXPECT_THAT(Problem(), HasSubstr("is defined twice"));
}
TEST_F(BrokenTables, Site) {
  function_.ops[1].site = {3};
  EXPECT_THAT(Problem(), HasSubstr("site out of range"));
}
TEST_F(BrokenTables, Type) {
  function_.values[0].type = {1000};
  EXPECT_THAT(Problem(), HasSubstr("type of a value out of range"));
}

}  // namespace
}  // namespace jade::ir
