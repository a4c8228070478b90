#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/ir/printer.h"
#include "compiler/ir/reader.h"
#include "compiler/passes/explain.h"
#include "compiler/passes/inline.h"
#include "compiler/passes/pipeline.h"

namespace jade::passes {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kDeclarations =
    "jir 1\n"
    "record Pair in test {a: Int, b: Text}\n"
    "executor E(n: Int) -> Int {\n  format text Int\n}\n";

// The body of `workflow T(%0: Int n, %1: Text t, %2: Bool c) -> RESULT` after the passes.
std::string After(const char* passes, const char* result, std::string_view body) {
  const std::string text = std::string(kDeclarations) + "workflow T(%0: Int n, %1: Text t, %2: Bool c) -> " + result +
                           " {\n" + std::string(body) + "}\n";
  auto module = ir::Read(text);
  if (!module.ok()) return module.error().ToString();
  const auto list = ParsePasses(passes);
  if (!list.ok()) return list.error().ToString();
  RunPasses(**module, *list, /*verify=*/true);
  const std::string printed = ir::PrintFunction(**module, (*module)->function((*module)->FindFunction("T")));
  const size_t begin = printed.find('\n') + 1;
  return printed.substr(begin, printed.size() - begin - 2);
}

TEST(FoldTest, ComputesWhatIsConstant) {
  EXPECT_EQ(After("fold,dead", "Int",
                  "  %3: Int = const.int 20\n"
                  "  %4: Int = const.int 22\n"
                  "  %5: Int = int.add(%3, %4)\n"
                  "  yield(%5)\n"),
            "  %3: Int = const.int 42 !2\n"
            "  yield(%3)\n");
  EXPECT_EQ(After("fold,dead", "Bool",
                  "  %3: Float = const.float 0.5\n"
                  "  %4: Float = float.neg(%3)\n"
                  "  %5: Bool = lt(%4, %3)\n"
                  "  %6: Bool = and(%5, %2)\n"
                  "  %7: Bool = not(%5)\n"
                  "  %8: Bool = or(%6, %7)\n"
                  "  yield(%8)\n"),
            "  yield(%2) !6\n");
}

TEST(FoldTest, WhatTrapsStays) {
  const char* overflow =
      "  %3: Int = const.int 9223372036854775807\n"
      "  %4: Int = int.add(%3, %3)\n"
      "  yield(%0)\n";
  EXPECT_EQ(After("fold,dead", "Int", overflow), overflow);
  const char* zero =
      "  %3: Int = const.int 0\n"
      "  %4: Int = int.div(%0, %3)\n"
      "  %5: Int = int.div(%3, %3)\n"
      "  yield(%5)\n";
  EXPECT_EQ(After("fold,dead", "Int", zero), zero);
}

TEST(FoldTest, JoinsNeighbouringTexts) {
  EXPECT_EQ(After("fold,dead", "Text",
                  "  %3: Text = const.text \"a\"\n"
                  "  %4: Int = const.int 7\n"
                  "  %5: Text = display(%4)\n"
                  "  %6: Text = const.text \"\"\n"
                  "  %7: Text = text.concat(%3, %5, %1, %6, %3)\n"
                  "  yield(%7)\n"),
            "  %3: Text = const.text \"a\"\n"
            "  %4: Text = const.text \"a7\" !4\n"
            "  %5: Text = text.concat(%4, %1, %3) !4\n"
            "  yield(%5)\n");
  EXPECT_EQ(After("fold,dead", "Text",
                  "  %3: Text = const.text \"\"\n"
                  "  %4: Text = text.concat(%3, %1)\n"
                  "  yield(%4)\n"),
            "  yield(%1) !2\n");
}

TEST(FoldTest, TakesPartsOfWhatIsMadeHere) {
  EXPECT_EQ(After("fold,dead", "Int",
                  "  %3: Pair = record(%0, %1)\n"
                  "  %4: Int = field a(%3)\n"
                  "  %5: Int = const.int 1\n"
                  "  %6: [Int] = list(%5, %4)\n"
                  "  %7: Int = index(%6, %5)\n"
                  "  yield(%7)\n"),
            "  %3: Int = const.int 1 !2\n"
            "  %4: [Int] = list(%3, %0)\n"  // may trap for want of memory
            "  yield(%0) !5\n");
}

TEST(FoldTest, KnownBranchesBecomeTheirArm) {
  EXPECT_EQ(After("fold,dead", "Int",
                  "  %3: Int = const.int 1\n"
                  "  %4: Int = const.int 2\n"
                  "  %5: Bool = lt(%3, %4)\n"
                  "  %6: Int = if(%5) {\n"
                  "    %7: future Int = issue E(%0) @E\n"
                  "    %8: Int = await(%7)\n"
                  "    yield(%8)\n"
                  "  } {\n"
                  "    yield(%3)\n"
                  "  }\n"
                  "  yield(%6)\n"),
            "  %3: future Int = issue E(%0) @E !4\n"
            "  %4: Int = await(%3)\n"
            "  yield(%4) !8\n");
}

TEST(DeadTest, CallsAndTrapsAreNeverDead) {
  const char* body =
      "  %3: future Int = issue E(%0) @E\n"
      "  %4: Int = await(%3)\n"
      "  %5: Int = int.add(%0, %0)\n"
      "  yield(%0)\n";
  EXPECT_EQ(After("dead", "Int", body), body);
}

TEST(DeadTest, DropsUnusedLoopsAndBranches) {
  EXPECT_EQ(After("dead", "Int",
                  "  %3: Bool = not(%2)\n"
                  "  %4: Int = if(%3) {\n"
                  "    %5: Text = display(%0)\n"
                  "    yield(%0)\n"
                  "  } {\n"
                  "    yield(%0)\n"
                  "  }\n"
                  "  yield(%0)\n"),
            "  yield(%0) !5\n");
}

constexpr std::string_view kInlined =
    "workflow Small(%0: Int n, %1: Bool b) -> Int {\n"
    "  %2: Int = if(%1) {\n"
    "    %3: future Int = issue E(%0) @E\n"
    "    %4: Int = await(%3)\n"
    "    yield(%4)\n"
    "  } {\n"
    "    yield(%0)\n"
    "  }\n"
    "  yield(%2)\n"
    "}\n"
    "workflow Large(%0: Int n) -> Int {\n";

// A module with `Small`, with `Large` of so many operations, and with T, printed after the passes.
std::string WithCallees(const char* passes, size_t operations, std::string_view body) {
  std::string text = std::string(kDeclarations) + std::string(kInlined);
  for (size_t i = 1; i < operations; ++i) text += fmt::format("  %{}: Int = int.add(%0, %0)\n", i);
  text += "  yield(%0)\n}\nworkflow T(%0: Int n) -> Int {\n" + std::string(body) + "}\n";
  const auto module = ir::Read(text);
  if (!module.ok()) return module.error().ToString();
  RunPasses(**module, *ParsePasses(passes), /*verify=*/true);
  const std::string printed = ir::PrintFunction(**module, (*module)->function((*module)->FindFunction("T")));
  const size_t begin = printed.find('\n') + 1;
  return printed.substr(begin, printed.size() - begin - 2);
}

TEST(InlineTest, ArgumentsAreTheValuesOutside) {
  EXPECT_EQ(WithCallees("inline,fold,dead", 2,
                        "  %1: Bool = const.bool true\n"
                        "  %2: Int = call Small(%0, %1) @Small:first\n"
                        "  yield(%2)\n"),
            "  %1: Int = enter Small @Small:first !1 {\n"
            "    %2: future Int = issue E(%0) @E !1\n"
            "    %3: Int = await(%2)\n"
            "    yield(%3) !5\n"
            "  }\n"
            "  yield(%1) !2\n");
}

TEST(InlineTest, WhatAFrameGivesIsKnown) {
  EXPECT_EQ(WithCallees("inline,fold,dead", 2,
                        "  %1: Bool = const.bool false\n"
                        "  %2: Int = call Small(%0, %1) @Small\n"
                        "  yield(%2)\n"),
            "  %1: Int = enter Small @Small !1 {\n"  // counts as depth
            "    yield(%0) !5\n"
            "  }\n"
            "  yield(%0) !2\n");
}

TEST(InlineTest, ARunOfAKnownPlanIsACall) {
  EXPECT_EQ(WithCallees("inline,dead", kMaxInlined + 1,
                        "  %1: Plan<Int, Int> = plan Large()\n"
                        "  %2: Int = run(%1, %0) @run:x\n"
                        "  yield(%2)\n"),
            "  %1: Int = call Large(%0) @run:x !1\n"
            "  yield(%1)\n");
}

TEST(InlineTest, GrowthHasAnEnd) {
  std::string body;
  for (int i = 1; i <= 10; ++i) body += fmt::format("  %{}: Int = call Large(%0) @Large#{}\n", i, i);
  body += "  yield(%10)\n";
  const auto count = [](const std::string& text, std::string_view word) {
    size_t found = 0;
    for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
    return found;
  };
  const std::string most = WithCallees("inline", kMaxInlined, body);
  EXPECT_EQ(count(most, " enter "), kMaxGrowth / kMaxInlined);
  EXPECT_EQ(count(most, " call "), 10 - kMaxGrowth / kMaxInlined);
  EXPECT_EQ(WithCallees("inline", kMaxInlined + 1, body), body);
}

TEST(InlineTest, WhatMayEnterItselfOrIsScheduledStaysACall) {
  const std::string text = std::string(kDeclarations) +
                           "workflow A(%0: Int n) -> Int {\n  %1: Int = call B(%0) @B\n  yield(%1)\n}\n"
                           "workflow B(%0: Int n) -> Int {\n  %1: Int = call A(%0) @A\n  yield(%1)\n}\n"
                           "workflow S(%0: Int n) -> Int {\n"
                           "  %1: future Int = issue E(%0) @E\n"
                           "  %2: future Int = issue E(%0) @E#1\n"
                           "  %3: Int = await(%1)\n"
                           "  %4: Int = await(%2)\n"
                           "  yield(%4)\n}\n"
                           "workflow T(%0: Int n) -> Int {\n"
                           "  %1: Int = call A(%0) @A\n  %2: Int = call S(%1) @S\n  yield(%2)\n}\n";
  const auto module = ir::Read(text);
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  const std::string before = ir::Print(**module);
  RunPasses(**module, *ParsePasses("inline"), /*verify=*/true);
  EXPECT_EQ(ir::Print(**module), before);
}

TEST(ExplainTest, SaysWhatWaitsForWhat) {
  const std::string text = std::string(kDeclarations) +
                           "workflow T(%0: Int n, %1: [Int] xs) -> Int {\n"
                           "  %2: future Int = issue E(%0) @E\n"
                           "  %3: Int = await(%2)\n"
                           "  %4: future Int = issue E(%0) @E#1\n"
                           "  %5: Int = await(%4)\n"
                           "  %6: Int = int.add(%3, %5)\n"
                           "  %7: [Int] = each(%1) { (%8: Int, %9: Int)\n"
                           "    %10: future Int = issue E(%6) @E#2\n"
                           "    %11: Int = await(%10)\n"
                           "    yield(%11)\n"
                           "  }\n"
                           "  yield(%6)\n"
                           "}\n";
  const auto module = ir::Read(text);
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  EXPECT_EQ(Explain(**module, (*module)->function((*module)->FindFunction("T"))),
            "workflow T\n"
            "  E starts at once\n"
            "  E#1 starts at once\n"
            "  each waits for E and E#1; its items run side by side\n"
            "    E#2 starts at once\n");
}

TEST(ExplainTest, SaysWhatOfAPromptIsStatic) {
  const auto file = std::make_shared<source::SourceFile>("a.jade", "one\n{two}\n");
  const auto module = ir::Read(R"(jir 1
file "a.jade"

executor E(n: Text) -> Text file 0 ~0..3 {
  system E.0
  user E.1
  assistant E.2
  prefill E.3
  format text Text
}

template E.0(%0: Text n) -> Never file 0 {
  emit.text "one "
  emit.text "two"
  yield
}

template E.1(%0: Text n) -> Never file 0 {
  emit.text "n: "
  emit(%0) ~4..9
  emit.text "more"
  yield
}

template E.2(%0: Text n) -> Never file 0 {
  %1: Bool = eq(%0, %0)
  emit.if(%1) ~0..3 {
    yield
  } {
    yield
  }
  yield
}

template E.3(%0: Text n) -> Never {
  emit.text "<"
  emit(%0)
  yield
}
)",
                               {file});
  ASSERT_TRUE(module.ok()) << module.error().ToString();
  EXPECT_EQ(ExplainPrompt(**module, (*module)->callee({0})),
            "executor E, a.jade\n"
            "  system: static, 7 bytes\n"
            "  user: static for 3 bytes, up to `{two}` (line 2)\n"
            "  assistant: begins with a branch (line 1)\n"
            "  prefill: static for 1 bytes, up to a hole\n");
}

TEST(PassesTest, ListsAreReadWithSuggestions) {
  EXPECT_EQ(ParsePasses("none")->size(), 0U);
  EXPECT_EQ(*ParsePasses("default"), ProgramPasses());
  EXPECT_EQ(ParsePasses("maps,fold")->size(), 2U);
  EXPECT_THAT(ParsePasses("overlp").error().ToString(), HasSubstr("did you mean `overlap`"));
  EXPECT_THAT(ParsePasses("fold,").error().ToString(), HasSubstr("inline, maps, fold, segments, dead, overlap"));
}

}  // namespace
}  // namespace jade::passes
