#include "compiler/passes/overlap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ir/printer.h"
#include "compiler/ir/reader.h"
#include "compiler/ir/verifier.h"

namespace jade::passes {
namespace {

constexpr std::string_view kCallees =
    "jir 1\n"
    "executor E(n: Int) -> Int {\n  format text Int\n}\n"
    "executor L(n: Int) -> [Int] {\n  format numbered n Int max 0\n}\n"
    "workflow W(%0: Int n) -> Int {\n  yield(%0)\n}\n";

// The body of `workflow T(%0: Int n, %1: [Int] xs) -> Int` after the pass.
std::string Scheduled(std::string_view body) {
  std::string text =
      std::string(kCallees) + "workflow T(%0: Int n, %1: [Int] xs) -> Int {\n" + std::string(body) + "}\n";
  auto module = ir::Read(text);
  if (!module.ok()) return module.error().ToString();
  ir::Function function = Overlap((*module)->function((*module)->FindFunction("T")));
  if (Status status = ir::VerifyFunction(**module, function); !status.ok()) return status.error().ToString();
  std::string printed = ir::PrintFunction(**module, function);
  size_t begin = printed.find('\n') + 1;
  return printed.substr(begin, printed.size() - begin - 2);
}

TEST(Overlap, IndependentIssuesGoFirst) {
  EXPECT_EQ(Scheduled("  %2: future Int = issue E(%0) @E\n"
                      "  %3: Int = await(%2)\n"
                      "  %4: future Int = issue E(%0) @E#1\n"
                      "  %5: Int = await(%4)\n"
                      "  %6: Int = int.add(%3, %5)\n"
                      "  yield(%6)\n"),
            "  %2: future Int = issue E(%0) @E\n"
            "  %3: future Int = issue E(%0) @E#1 !2\n"
            "  %4: Int = await(%2) !1\n"
            "  %5: Int = await(%3) !3\n"
            "  %6: Int = int.add(%4, %5)\n"
            "  yield(%6)\n");
}

TEST(Overlap, AChainStaysAsItIs) {
  std::string chain =
      "  %2: future Int = issue E(%0) @E\n"
      "  %3: Int = await(%2)\n"
      "  %4: Int = int.neg(%3)\n"
      "  %5: future Int = issue E(%4) @E#1\n"
      "  %6: Int = await(%5)\n"
      "  yield(%6)\n";
  EXPECT_EQ(Scheduled(chain), chain);
}

TEST(Overlap, TwoChainsDoNotWaitForEachOther) {
  EXPECT_EQ(Scheduled("  %2: future Int = issue E(%0) @E\n"
                      "  %3: Int = await(%2)\n"
                      "  %4: Int = int.neg(%3)\n"
                      "  %5: future Int = issue E(%4) @E#1\n"
                      "  %6: Int = await(%5)\n"
                      "  %7: future Int = issue E(%0) @E#2\n"
                      "  %8: Int = await(%7)\n"
                      "  %9: future Int = issue E(%8) @E#3\n"
                      "  %10: Int = await(%9)\n"
                      "  %11: Int = int.add(%6, %10)\n"
                      "  yield(%11)\n"),
            "  %2: future Int = issue E(%0) @E\n"
            "  %3: future Int = issue E(%0) @E#2 !5\n"
            "  %4: future Int = spawn !3 {\n"
            "    %5: Int = await(%2) !1\n"
            "    %6: Int = int.neg(%5)\n"
            "    %7: future Int = issue E(%6) @E#1\n"
            "    %8: Int = await(%7)\n"
            "    yield(%8)\n"
            "  }\n"
            "  %9: future Int = spawn !7 {\n"
            "    %10: Int = await(%3) !6\n"
            "    %11: future Int = issue E(%10) @E#3\n"
            "    %12: Int = await(%11)\n"
            "    yield(%12)\n"
            "  }\n"
            "  %13: Int = await(%2) !1\n"
            "  %14: Int = int.neg(%13)\n"
            "  %15: Int = await(%4) !4\n"
            "  %16: Int = await(%9) !8\n"
            "  %17: Int = int.add(%15, %16)\n"
            "  yield(%17)\n");
}

TEST(Overlap, CallsAndLoopsAreSpawnedBesideOthers) {
  EXPECT_EQ(Scheduled("  %2: Int = call W(%0) @W\n"
                      "  %3: [Int] = each(%1) { (%4: Int, %5: Int)\n"
                      "    %6: future Int = issue E(%4) @E\n"
                      "    %7: Int = await(%6)\n"
                      "    yield(%7)\n"
                      "  }\n"
                      "  %8: Int = builtin len(%3)\n"
                      "  yield(%8)\n"),
            "  %2: future Int = spawn {\n"
            "    %3: Int = call W(%0) @W !0\n"
            "    yield(%3)\n"
            "  }\n"
            "  %4: [Int] = each(%1) !1 { (%5: Int, %6: Int)\n"
            "    %7: future Int = issue E(%5) @E\n"
            "    %8: Int = await(%7)\n"
            "    yield(%8)\n"
            "  }\n"
            "  %9: Int = builtin len(%4)\n"
            "  %10: Int = await(%2) !0\n"
            "  yield(%9) !6\n");
}

TEST(Overlap, IssuesStayInTheirArms) {
  std::string arms =
      "  %2: Bool = const.bool true\n"
      "  %3: Int = if(%2) {\n"
      "    %4: future Int = issue E(%0) @E\n"
      "    %5: Int = await(%4)\n"
      "    yield(%5)\n"
      "  } {\n"
      "    yield(%0)\n"
      "  }\n"
      "  yield(%3)\n";
  EXPECT_EQ(Scheduled(arms), arms);
}

TEST(Overlap, FoldCallsWithoutTheAccumulatorRunAhead) {
  EXPECT_EQ(Scheduled("  %2: Int = fold(%1, %0) { (%3: Int, %4: Int, %5: Int)\n"
                      "    %6: Int = int.neg(%4)\n"
                      "    %7: future Int = issue E(%6) @E\n"
                      "    %8: Int = await(%7)\n"
                      "    %9: Int = int.add(%8, %3)\n"
                      "    %10: future Int = issue E(%9) @E#1\n"
                      "    %11: Int = await(%10)\n"
                      "    yield(%11)\n"
                      "  }\n"
                      "  yield(%2)\n"),
            "  %2: Int = fold(%1, %0) { (%3: Int, %4: Int, %5: Int, %6: future Int)\n"
            "    %7: Int = int.neg(%4)\n"
            "    %8: Int = await(%6) !3\n"
            "    %9: Int = int.add(%8, %3)\n"
            "    %10: future Int = issue E(%9) @E#1\n"
            "    %11: Int = await(%10)\n"
            "    yield(%11)\n"
            "  } { (%12: Int, %13: Int)\n"
            "    %14: Int = int.neg(%12) !1\n"
            "    %15: future Int = issue E(%14) @E\n"
            "    %16: Int = await(%15)\n"
            "    yield(%16)\n"
            "  }\n"
            "  yield(%2) !8\n");
}

TEST(Overlap, UnusedCallsAreStillMadeAndAwaited) {
  EXPECT_EQ(Scheduled("  %2: future Int = issue E(%0) @E\n"
                      "  %3: Int = await(%2)\n"
                      "  %4: future Int = issue E(%0) @E#1\n"
                      "  %5: Int = await(%4)\n"
                      "  yield(%0)\n"),
            "  %2: future Int = issue E(%0) @E\n"
            "  %3: future Int = issue E(%0) @E#1 !2\n"
            "  %4: Int = await(%2) !1\n"
            "  %5: Int = await(%3) !3\n"
            "  yield(%0)\n");
}

TEST(Overlap, DoingItTwiceChangesNothing) {
  auto module = ir::Read(std::string(kCallees) +
                         "workflow T(%0: Int n) -> Int {\n"
                         "  %1: future Int = issue E(%0) @E\n  %2: Int = await(%1)\n"
                         "  %3: future Int = issue E(%0) @E#1\n  %4: Int = await(%3)\n"
                         "  %5: Int = int.add(%2, %4)\n  yield(%5)\n}\n");
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  ir::Function once = Overlap((*module)->function((*module)->FindFunction("T")));
  EXPECT_EQ(ir::PrintFunction(**module, Overlap(once)), ir::PrintFunction(**module, once));
}

}  // namespace
}  // namespace jade::passes
