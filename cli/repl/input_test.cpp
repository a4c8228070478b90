#include "cli/repl/input.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::repl {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Split(std::string_view text) {
  std::string rest;
  std::vector<std::string> inputs = SplitInputs(text, &rest);
  if (!rest.empty()) inputs.push_back("rest: " + rest);
  return inputs;
}

TEST(InputTest, KnowsItsKind) {
  EXPECT_EQ(KindOf(" // only this\n"), InputKind::kEmpty);
  EXPECT_EQ(KindOf("  :help"), InputKind::kCommand);
  EXPECT_EQ(KindOf("// above\nworkflow W() -> Int { 1 }"), InputKind::kDeclaration);
  EXPECT_EQ(KindOf("test \"title\" {}"), InputKind::kDeclaration);
  EXPECT_EQ(KindOf("type + 1"), InputKind::kStatement);
  EXPECT_EQ(KindOf("record and true"), InputKind::kStatement);
  EXPECT_EQ(KindOf("use"), InputKind::kStatement);
}

TEST(InputTest, GoesOnWhileSomethingIsOpen) {
  EXPECT_THAT(Split("f(1,\n2)\n3"), ElementsAre("f(1,\n2)\n", "3\n"));
  EXPECT_THAT(Split("\"\"\"a ( {1 +\n2} \"\n\n\"\"\"\n3"), ElementsAre("\"\"\"a ( {1 +\n2} \"\n\n\"\"\"\n", "3\n"));
  EXPECT_THAT(Split("r\"\"\"{ (\n\"\"\""), ElementsAre("r\"\"\"{ (\n\"\"\"\n"));
  EXPECT_THAT(Split("\"{{ ( \\\" \"\n1 // (\n2"), ElementsAre("\"{{ ( \\\" \"\n", "1 // (\n", "2\n"));
  EXPECT_THAT(Split("{"), ElementsAre("rest: {\n"));
}

TEST(InputTest, GoesOnWhereTheParserMissesSomething) {
  EXPECT_THAT(Split("1 +\n2"), ElementsAre("1 +\n2\n"));
  EXPECT_THAT(Split("workflow W() -> Int\n{ 1 }"), ElementsAre("workflow W() -> Int\n{ 1 }\n"));
  EXPECT_THAT(Split("let x =\n\n3"), ElementsAre("let x =\n\n", "3\n"));
  EXPECT_THAT(Split("1 + )"), ElementsAre("1 + )\n"));
}

TEST(InputTest, ADeclarationOrCommandEndsAnOpenBracket) {
  EXPECT_THAT(Split("workflow A( {\nworkflow B() -> Int { 1 }"),
              ElementsAre("workflow A( {\n", "workflow B() -> Int { 1 }\n"));
  EXPECT_THAT(Split("f(\n:help"), ElementsAre("f(\n", ":help\n"));
  EXPECT_THAT(Split("\"\"\"\n:help\n\"\"\""), ElementsAre("\"\"\"\n:help\n\"\"\"\n"));
}

TEST(InputTest, OnlySomeCommandsTakeSeveralLines) {
  EXPECT_THAT(Split(":plan what is (\n1"), ElementsAre(":plan what is (\n", "1\n"));
  EXPECT_THAT(Split(":type (\n1)"), ElementsAre(":type (\n1)\n"));
}

TEST(InputTest, StrayBracketsAndBytesDoNotHangIt) {
  EXPECT_THAT(Split(")]}\n1"), ElementsAre(")]}\n", "1\n"));
  EXPECT_EQ(Split(std::string_view("\0\xff\xfe\n1", 5)).size(), 2U);
}

}  // namespace
}  // namespace jade::repl
