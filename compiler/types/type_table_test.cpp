#include "compiler/types/type_table.h"

#include <gtest/gtest.h>

#include "compiler/types/signature.h"

namespace jade::types {
namespace {

TEST(TypeTableTest, StructuralTypesAreSharedAndDeclaredOnesAreNot) {
  TypeTable types;
  EXPECT_EQ(types.List(TypeTable::Text()), types.List(TypeTable::Text()));
  EXPECT_NE(types.List(TypeTable::Text()), types.Optional(TypeTable::Text()));
  EXPECT_EQ(types.Plan(TypeTable::Text(), TypeTable::Int()), types.Plan(TypeTable::Text(), TypeTable::Int()));
  EXPECT_NE(types.Plan(TypeTable::Text(), TypeTable::Int()), types.Plan(TypeTable::Int(), TypeTable::Text()));
  TypeId a = types.DeclareNominal("a", "Query");
  TypeId b = types.DeclareNominal("b", "Query");
  EXPECT_NE(a, b);
  EXPECT_NE(types.List(a), types.List(b));
}

TEST(TypeTableTest, OptionalsDoNotNestAndPoisonSpreads) {
  TypeTable types;
  TypeId maybe = types.Optional(TypeTable::Int());
  EXPECT_EQ(types.Optional(maybe), maybe);
  EXPECT_EQ(types.Optional(TypeTable::Error()), TypeTable::Error());
  EXPECT_EQ(types.Optional(TypeTable::Never()), TypeTable::None());
  EXPECT_TRUE(types.ContainsError(types.List(types.List(TypeTable::Error()))));
  EXPECT_FALSE(types.ContainsError(types.List(maybe)));
}

TEST(TypeTableTest, RecordsMayContainThemselves) {
  TypeTable types;
  TypeId node = types.DeclareRecord("", "Node");
  types.CompleteRecord(node, {{"label", TypeTable::Text()}, {"children", types.List(node)}});
  EXPECT_FALSE(types.ContainsPlan(node));
  EXPECT_EQ(types.Describe(node), "record Node {label: Text, children: [Node]}");
  EXPECT_EQ(types.FieldIndex(node, "children"), 1);
  EXPECT_EQ(types.FieldIndex(node, "parent"), -1);
  TypeId holder = types.DeclareRecord("", "Holder");
  types.CompleteRecord(holder, {{"plan", types.Plan(node, node)}});
  EXPECT_TRUE(types.ContainsPlan(types.List(holder)));
}

TEST(TypeTableTest, BasesAndPrintability) {
  TypeTable types;
  TypeId query = types.DeclareNominal("", "Query");
  types.CompleteNominal(query, TypeTable::Text());
  TypeId narrow = types.DeclareNominal("", "Narrow");
  types.CompleteNominal(narrow, query);
  EXPECT_EQ(types.BaseOf(narrow), TypeTable::Text());
  EXPECT_TRUE(types.IsPrintable(types.Optional(narrow)));
  EXPECT_FALSE(types.IsPrintable(types.List(query)));
  EXPECT_FALSE(types.IsPrintable(types.Plan(query, query)));
}

TEST(TypeTableTest, NamesReadAsTheLanguageWritesThem) {
  TypeTable types;
  TypeId query = types.DeclareNominal("std.rag", "Query");
  EXPECT_EQ(types.Name(types.Optional(types.List(query))), "[Query]?");
  EXPECT_EQ(types.Name(types.List(types.Optional(query))), "[Query?]");
  EXPECT_EQ(types.Name(types.Plan(query, TypeTable::Text())), "Plan<Query, Text>");
  EXPECT_EQ(types.Name(TypeTable::None()), "none");
  TypeId step = types.DeclareEnum("", "Step");
  types.CompleteEnum(step, {{"Ask", {{"value", query}}}, {"Stop", {}}});
  EXPECT_EQ(types.Describe(step), "enum Step {Ask(value: Query), Stop}");
}

TEST(SignatureTest, KnowsItsSoleRequiredParameter) {
  TypeTable types;
  Signature one{
      {{.name = "q", .type = TypeTable::Text()}, {.name = "k", .type = TypeTable::Int(), .has_default = true}},
      TypeTable::Text()};
  ASSERT_NE(one.SoleRequired(), nullptr);
  EXPECT_EQ(one.SoleRequired()->name, "q");
  EXPECT_EQ(SignatureText(one, types), "(q: Text, k: Int = …) -> Text");
  Signature two = one;
  two.parameters[1].has_default = false;
  EXPECT_EQ(two.SoleRequired(), nullptr);
}

}  // namespace
}  // namespace jade::types
