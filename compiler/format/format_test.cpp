#include "compiler/format/format.h"

#include <gtest/gtest.h>

namespace jade::format {
namespace {

std::string Formatted(std::string text) {
  diag::Diagnostics sink;
  return Format(std::make_shared<source::SourceFile>("a.jade", std::move(text)), sink).value_or("<errors>");
}

TEST(FormatTest, GivesNothingForAFileWithErrors) {
  diag::Diagnostics sink;
  EXPECT_FALSE(Format(std::make_shared<source::SourceFile>("a.jade", "workflow F("), sink).has_value());
  EXPECT_TRUE(sink.has_errors());
}

TEST(FormatTest, KeepsCommentsAndOneEmptyLine) {
  EXPECT_EQ(Formatted("// a  \n\n\n\ntype   Q=new Text   //  b\n\n"), "// a\n\ntype Q = new Text  //  b\n");
  EXPECT_EQ(Formatted(""), "");
  EXPECT_EQ(Formatted("\n\n// only\n"), "// only\n");
}

TEST(FormatTest, LeavesTemplatesAlone) {
  const std::string text = "workflow F(x: Text) -> Text {\n  \"\"\"a   {x  }\n\n\n     b \"\"\"\n}\n";
  EXPECT_EQ(Formatted(text), text);
}

TEST(FormatTest, SetsBlanks) {
  EXPECT_EQ(Formatted("workflow F(x:Int,y:[Plan< A,B > ?]=[])->Int{-x- -1*y [0].a .b(1,c :2)+(-3)}"),
            "workflow F(x: Int, y: [Plan<A, B>?] = []) -> Int { -x - -1 * y[0].a.b(1, c: 2) + (-3) }\n");
}

}  // namespace
}  // namespace jade::format
