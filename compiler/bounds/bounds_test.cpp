#include "compiler/bounds/bounds.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/bounds/components.h"
#include "compiler/bounds/stage_text.h"
#include "compiler/ir/reader.h"

namespace jade::bounds {
namespace {

using ::testing::ElementsAre;
using ::testing::UnorderedElementsAre;

const std::vector<std::string> kNames = {"n", "m"};

std::string Text(const Cost& cost) {
  return cost.ToString(kNames, "all");
}

TEST(CostTest, IsAPolynomial) {
  const Cost n = Cost::Symbol(0), m = Cost::Symbol(1), two = Cost::Number(2);
  EXPECT_EQ(Text(Cost()), "0");
  EXPECT_EQ(Text(two + Cost::Number(3)), "5");
  EXPECT_EQ(Text((two + n) * (n + m)), "2·n + 2·m + n·n + n·m");
  EXPECT_EQ(Text(n + n), "2·n");
  EXPECT_EQ(Text(Cost::Max(two + n, Cost::Number(7) + m)), "7 + n + m");
  EXPECT_EQ(Text(n * Cost()), "0");
  EXPECT_EQ((two * Cost::Number(21)).number(), 42);
  EXPECT_EQ(n.number(), std::nullopt);
  EXPECT_THAT((n * m + n).symbols(), ElementsAre(0, 1));
}

TEST(CostTest, GivesUpOnWhatIsTooLarge) {
  const Cost huge = Cost::Number(INT64_MAX);
  EXPECT_TRUE((huge + Cost::Number(1)).is_budget());
  EXPECT_TRUE((huge * Cost::Number(2)).is_budget());
  EXPECT_EQ(Text(Cost::Budget() + Cost::Number(1)), "all");
  EXPECT_EQ(Text(Cost::Budget() * Cost()), "0");
  EXPECT_EQ(Text(Cost::Budget().AtMost(9)), "9");
  EXPECT_EQ(Text(Cost::Number(3).AtMost(9)), "3");
  Cost power = Cost::Symbol(0);
  for (int i = 0; i < 10; ++i) power = power * Cost::Symbol(0);
  EXPECT_TRUE(power.is_budget());
}

TEST(ComponentsTest, ComeAfterWhatTheyLeadTo) {
  // 0 -> 1 -> 2 -> 1, 3 -> 3, 4
  const auto components = Components({{1}, {2}, {1}, {3}, {}});
  ASSERT_EQ(components.size(), 4U);
  EXPECT_THAT(components[0], UnorderedElementsAre(1, 2));
  EXPECT_THAT(components[1], ElementsAre(0));
  EXPECT_THAT(components[2], ElementsAre(3));
}

TEST(ComponentsTest, ALongChainNeedsNoDeepStack) {
  std::vector<std::vector<uint32_t>> edges(200'000);
  for (uint32_t i = 0; i + 1 < edges.size(); ++i) edges[i] = {i + 1};
  EXPECT_EQ(Components(edges).size(), edges.size());
}

std::string Shape(const StageNode& node) {
  std::string text = node.name;
  for (const StageNode& child : node.children) text += "(" + Shape(child) + ")";
  return node.kind == StageNode::Kind::kAlternatives ? "|" + text : text;
}

TEST(StageTextTest, ReadsOptionalsAlternativesAndSubPlans) {
  EXPECT_EQ(Shape(ReadStages("[QR] [R [DS]] AG | QDS([R] AG)")),
            "|((|((QR)))(|((R)(|((DS)))))(AG))((QDS(|((|((R)))(AG)))))");
  EXPECT_EQ(Shape(ReadStages("")), "|()");
}

constexpr std::string_view kRoles =
    "jir 1\n"
    "executor E(n: Int) -> Int {\n  format text Int\n}\n"
    "executor L(n: Int) -> [Int] {\n  format numbered q Int max 0\n}\n"
    "tool R(n: Int) -> Int {\n}\n";

// The bounds of workflow T of a program.
FunctionBounds Of(std::string_view functions) {
  auto module = ir::Read(std::string(kRoles) + std::string(functions));
  EXPECT_TRUE(module.ok()) << module.error().ToString();
  if (!module.ok()) return {};
  return Bounds(**module).Of((*module)->FindFunction("T"));
}

TEST(BoundsTest, BranchesTakeTheLargerSideAndScopesTheirLimit) {
  const FunctionBounds one =
      Of("workflow T(%0: Int n, %1: Bool c) -> Int {\n"
         "  %2: Int = const.int 3\n"
         "  %3: Int = within calls(%2) {\n"
         "    %4: Int = if(%1) {\n"
         "      %5: future Int = issue E(%0) @E\n"
         "      %6: Int = await(%5)\n"
         "      yield(%6)\n"
         "    } {\n"
         "      %7: future Int = issue R(%0) @R\n"
         "      %8: Int = await(%7)\n"
         "      %9: future Int = issue R(%8) @R#1\n"
         "      %10: Int = await(%9)\n"
         "      yield(%10)\n"
         "    }\n"
         "    yield(%4)\n"
         "  }\n"
         "  yield(%3)\n"
         "}\n");
  EXPECT_EQ(one.spend.calls.number(), 2);
  EXPECT_EQ(one.spend.retrievals.number(), 2);
  EXPECT_TRUE(one.returns);
}

TEST(BoundsTest, RecursionCostsTheBudgetAndMayNeverReturn) {
  const FunctionBounds endless =
      Of("workflow T(%0: Int n) -> Int {\n"
         "  %1: future Int = issue E(%0) @E\n"
         "  %2: Int = await(%1)\n"
         "  %3: Int = call T(%2) @T\n"
         "  yield(%3)\n"
         "}\n");
  EXPECT_FALSE(endless.returns);
  EXPECT_TRUE(endless.spend.calls.is_budget());
  EXPECT_TRUE(endless.spend.depth.is_budget());
  EXPECT_TRUE(endless.spend.retrievals.is_zero());
}

}  // namespace
}  // namespace jade::bounds
