#include <gtest/gtest.h>

#include "tests/differential/configurations.h"
#include "tests/differential/kernel.h"
#include "tests/differential/oracle.h"
#include "tests/differential/program_generator.h"

namespace jade::differential {
namespace {

// The same programs with every compiler and library: a change of the generator changes this number, nothing else may.
TEST(DifferentialTest, ASeedNamesOneProgram) {
  uint64_t hash = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) hash = HashOf(GenerateProgram(seed).text, hash);
  EXPECT_EQ(hash, 12726360063143570417U);
}

trace::CallRecord Call(const char* path, const char* value, trace::CallStatus status = trace::CallStatus::kDone) {
  trace::CallRecord call;
  call.path = path;
  call.value_json = value;
  call.status = status;
  return call;
}

Outcome WithCalls(std::vector<trace::CallRecord> calls) {
  Outcome outcome;
  outcome.value = "1";
  for (trace::CallRecord& call : calls) outcome.calls.emplace(call.path, call);
  return outcome;
}

TEST(DifferentialTest, SeesWhatDiffers) {
  const Outcome one = WithCalls({Call("Main/A", "1"), Call("Main/B", "2")});
  EXPECT_EQ(Difference(one, one), "");
  EXPECT_EQ(Difference(one, WithCalls({Call("Main/A", "1")})), "a call is missing in the second: Main/B");
  EXPECT_NE(Difference(one, WithCalls({Call("Main/A", "1"), Call("Main/B", "3")})), "");
  Outcome other = one;
  other.value = "2";
  EXPECT_EQ(Difference(one, other), "the values differ");
  other = one;
  other.turns = 1;
  EXPECT_NE(Difference(one, other), "");
  other.trapped = true;
  EXPECT_NE(Difference(one, other), "");
}

// Behind a trap, calls may be missing or cancelled, but not come to something else.
TEST(DifferentialTest, KnowsWhatIsNotPromised) {
  const trace::CallRecord cancelled = Call("Main/B", "", trace::CallStatus::kCancelled);
  const Outcome one = WithCalls({Call("Main/A", "1"), cancelled});
  EXPECT_EQ(Difference(one, WithCalls({Call("Main/A", "1"), Call("Main/B", "2")})), "");
  EXPECT_EQ(Difference(one, WithCalls({Call("Main/A", "1")})), "");
  EXPECT_NE(Difference(one, WithCalls({Call("Main/A", "2")})), "");
  Outcome trapped = one;
  trapped.trapped = true;
  trapped.kind = abi::TrapKind::kCallBudget;
  trapped.place = "Main";
  Outcome elsewhere = trapped;
  elsewhere.place = "Main/W";
  EXPECT_EQ(Difference(trapped, elsewhere), "");
  trapped.kind = elsewhere.kind = abi::TrapKind::kIntOverflow;
  EXPECT_NE(Difference(trapped, elsewhere), "");
}

TEST(DifferentialTest, ShrinksToWhatFails) {
  GeneratedProgram program = GenerateProgram(3);
  program.text += "workflow Bad(n: Int) -> Int {\nlet a = n\nlet b = (\"x\" + (a))\nb\n}\n";
  CodeSources code;
  const std::optional<Failure> failure = Check(program, code);
  ASSERT_TRUE(failure.has_value());
  EXPECT_EQ(failure->what, "generator");
  EXPECT_LT(10 * Shrink(program, *failure, code).size(), program.text.size());
}

TEST(DifferentialTest, KernelsOfConstantsAreTheSameKernels) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const Kernel kernel = GenerateKernel(seed);
    Random random(seed);
    std::vector<abi::Value> arguments;
    for (const types::TypeId type : kernel.parameters) {
      arguments.push_back(RandomArgument(type, kernel.module->types(), random));
    }
    const Kernel constant = GenerateKernel(seed, &arguments);
    EXPECT_EQ(constant.parameters, kernel.parameters);
    EXPECT_GE(constant.module->function(constant.function).ops.size(),
              kernel.module->function(kernel.function).ops.size());
  }
}

}  // namespace
}  // namespace jade::differential
