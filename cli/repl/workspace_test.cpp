#include "cli/repl/workspace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/repl/completion.h"
#include "cli/repl/highlight.h"
#include "cli/repl/show_value.h"

namespace jade::repl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class WorkspaceTest : public ::testing::Test {
 protected:
  Change Define(std::string text) {
    return workspace_.Define(
        std::make_shared<const source::SourceFile>("<" + std::to_string(++inputs_) + ">", std::move(text)));
  }
  std::vector<std::string> Completed(std::string_view text) const {
    return Complete(text, text.size(), workspace_).candidates;
  }
  Workspace workspace_{session::LoadOptions{}};
  int inputs_ = 0;
};

TEST_F(WorkspaceTest, WhatWasReplacedIsFreed) {
  ASSERT_TRUE(Define("workflow A(n: Int) -> Int { n }").ok);
  const std::weak_ptr<session::Program> before = workspace_.program();
  const std::weak_ptr<const ir::Module> module = workspace_.program()->module();
  workspace_.values().Keep("n", abi::Value::Int(3), types::TypeTable::Int());
  ASSERT_TRUE(Define("workflow A(n: Int) -> Int { n + 1 }").ok);
  EXPECT_TRUE(before.expired());
  EXPECT_TRUE(module.expired());
  EXPECT_EQ(workspace_.definitions().items().size(), 1U);
  EXPECT_NE(workspace_.values().Find("n"), nullptr);
}

TEST_F(WorkspaceTest, AnErrorIsShownWhereItWasTypedAndChangesNothing) {
  ASSERT_TRUE(Define("type Name = new Text").ok);
  ASSERT_TRUE(Define("\n// greets\nworkflow Greet(name: Name) -> Text {\n  \"{name}\"\n}  // so").ok);
  const session::ProgramPtr before = workspace_.program();
  const Change change = Define("record Name { first: Text }");
  EXPECT_FALSE(change.ok);
  ASSERT_EQ(change.diagnostics.size(), 1U);
  const diag::Location& place = change.diagnostics[0].primary;
  EXPECT_EQ(place.file->name(), "<2>");
  EXPECT_EQ(place.file->At(place.span.begin), (source::LineColumn{4, 5}));
  EXPECT_EQ(workspace_.program(), before);
  EXPECT_EQ(workspace_.definitions().text(),
            "type Name = new Text\n\n// greets\nworkflow Greet(name: Name) -> Text {\n  \"{name}\"\n}  // so\n");
}

TEST_F(WorkspaceTest, AValueStaysWhileItsTypeIsTheSame) {
  ASSERT_TRUE(Define("record Tree { label: Text, children: [Tree] }").ok);
  const types::TypeId tree = workspace_.program()->checked().root().types.at("Tree");
  workspace_.values().Keep("leaf", abi::Value::Record({abi::Value::Text("x"), abi::Value::List({})}), tree);
  EXPECT_THAT(Define("workflow W() -> Int { 1 }").forgotten, IsEmpty());
  EXPECT_THAT(Define("record Tree { label: Text, children: [Tree] }").forgotten, IsEmpty());
  EXPECT_THAT(Define("record Tree { label: Text, children: [Tree], n: Int }").forgotten,
              ElementsAre("`leaf` is forgotten: its type `Tree` has changed"));
}

TEST_F(WorkspaceTest, Completes) {
  ASSERT_TRUE(
      Define("use std.types as t\nrecord Point { across: Int, down: Int }\nenum Step { Ask(query: Text), Stop }").ok);
  workspace_.values().Keep(
      "points", abi::Value::List({}),
      workspace_.program()->checked().types->List(workspace_.program()->checked().root().types.at("Point")));
  EXPECT_THAT(Completed("points[0]."), ElementsAre("across", "down"));
  EXPECT_THAT(Completed("Step."), ElementsAre("Ask", "Stop"));
  EXPECT_THAT(Completed("t.Ans"), ElementsAre("Answer"));
  EXPECT_THAT(Completed("use std.t"), ElementsAre("std.types"));
  EXPECT_THAT(Completed(":set se"), ElementsAre("seconds", "seed"));
  EXPECT_THAT(Completed(":bo"), ElementsAre(":bounds"));
  EXPECT_THAT(Completed("workflow W(alpha: Int) -> Int { alp"), ElementsAre("alpha"));
  EXPECT_THAT(Completed("poi"), ElementsAre("points"));
  EXPECT_THAT(Completed("starts"), ElementsAre("starts_with"));
  EXPECT_THAT(Completed("nowhere."), IsEmpty());
  EXPECT_THAT(Completed(""), Contains("Point"));
}

TEST_F(WorkspaceTest, ColoursStayInsideTheText) {
  for (const std::string_view text : {"let x = \"a {1} \" // c", "workflow W", ":type \"", "\"\"\" open", ":", ""}) {
    size_t last = 0;
    for (const line::Coloured& one : Highlight(text, workspace_)) {
      EXPECT_LE(last, one.begin) << text;
      EXPECT_LE(one.end, text.size()) << text;
      last = one.end;
    }
  }
}

TEST_F(WorkspaceTest, ValuesOfAnySizeAreShown) {
  const types::TypeTable& types = workspace_.types();
  const std::string shown = ShowValue(abi::Value::Text(std::string(1U << 20U, '{')), types::TypeTable::Text(), types);
  EXPECT_LT(shown.size(), size_t{200'000});
  EXPECT_TRUE(shown.ends_with(" …"));
  const types::TypeId numbers = workspace_.program()->checked().types->List(types::TypeTable::Int());
  const std::string list =
      ShowValue(abi::Value::List(std::vector<abi::Value>(100'000, abi::Value::Int(12345))), numbers, types);
  EXPECT_LT(list.size(), size_t{200'000});
  EXPECT_THAT(list, ::testing::HasSubstr(" more"));
}

}  // namespace
}  // namespace jade::repl
