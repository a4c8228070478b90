#include "compiler/diag/render.h"

#include <gtest/gtest.h>

namespace jade::diag {
namespace {

source::SourceFilePtr File(std::string text) {
  return std::make_shared<source::SourceFile>("a.jade", std::move(text));
}

TEST(RenderTest, ShowsLineCaretNotesAndHelp) {
  Diagnostics sink;
  const auto file = File("let a = 1\nlet é = b?? + 2\n");
  sink.Report(kUnexpectedToken, file, {20, 22}, "`??`", "an expression")
      .Label("here")
      .Note(file, {4, 5}, "`a` is declared here")
      .Help("remove it");
  EXPECT_EQ(RenderText(sink.all()[0]), R"(error[E0101]: unexpected `??`: expected an expression
 --> a.jade:2:10
  |
2 | let é = b?? + 2
  |          ^^ here
  = note: `a` is declared here
 --> a.jade:1:5
  |
1 | let a = 1
  |     -
  = help: remove it
)");
}

TEST(RenderTest, CutsLongLinesRoundTheCaret) {
  Diagnostics sink;
  sink.Report(kEmptyHole, File(std::string(5000000, 'a') + "{}" + std::string(5000000, 'b')), {5000000, 5000002});
  const std::string text = RenderText(sink.all()[0], {.colour = false, .width = 40});
  EXPECT_LT(text.size(), 300U);
  EXPECT_NE(text.find("| …aaaaaaaaaaaaaaaaaaaa{}bbbbbbbbbbbbbbbbbb…\n"), std::string::npos) << text;
  EXPECT_NE(text.find("|                      ^^\n"), std::string::npos) << text;
}

TEST(RenderTest, SurvivesSpansOutsideTheFileTabsAndControlCharacters) {
  Diagnostics sink;
  sink.Report(kEmptyHole, File("\ta\x01z"), {900, 7});
  sink.Report(kEmptyHole, File(""), {0, 0});
  sink.Report(kEmptyHole, nullptr, {});
  EXPECT_NE(RenderText(sink.all()).find("|  a·z\n"), std::string::npos);
}

TEST(RenderTest, ColoursOnlyWhenAsked) {
  Diagnostics sink;
  sink.Report(kEmptyHole, File("x"), {0, 1});
  EXPECT_EQ(RenderText(sink.all()[0]).find('\x1b'), std::string::npos);
  EXPECT_NE(RenderText(sink.all()[0], {.colour = true}).find("\x1b[1;31m"), std::string::npos);
}

TEST(RenderTest, JsonIsStable) {
  Diagnostics sink;
  const auto file = File("ab\ncd");
  sink.Report(kEmptyHole, file, {3, 5}).Help("h").Note("n").Fix({3, 5}, "x");
  EXPECT_EQ(RenderJson(sink.all()),
            R"([{"code":"E0120","severity":"error","message":"this interpolation is empty","file":"a.jade",)"
            R"("span":{"begin":3,"end":5},"start":{"line":2,"column":1},"end":{"line":2,"column":3},"label":"",)"
            R"("notes":[{"message":"n","file":null,"span":null,"start":null,"end":null}],"help":"h",)"
            R"("fix":[{"span":{"begin":3,"end":5},"text":"x"}]}])");
}

TEST(RenderTest, JsonReplacesInvalidUtf8) {
  Diagnostics sink;
  sink.Report(kUnknownCharacter, File("\xff"), {0, 1}, "\xff");
  EXPECT_NE(RenderJson(sink.all()).find("E0102"), std::string::npos);
}

}  // namespace
}  // namespace jade::diag
