#include "compiler/source/source.h"

#include <gtest/gtest.h>

namespace jade::source {
namespace {

TEST(SourceFileTest, FindsLinesAndColumnsInCodePoints) {
  SourceFile file("a.jade", "één\r\nzwei\n");
  EXPECT_EQ(file.At(0), (LineColumn{1, 1}));
  EXPECT_EQ(file.At(5), (LineColumn{1, 4}));  // after é é n
  EXPECT_EQ(file.At(7), (LineColumn{2, 1}));
  EXPECT_EQ(file.Line(1), "één");
  EXPECT_EQ(file.Line(2), "zwei");
  EXPECT_EQ(file.Line(3), "");
  EXPECT_EQ(file.Line(9), "");
  EXPECT_EQ(file.At(1000), (LineColumn{3, 1}));
}

TEST(SourceFileTest, ClampsSpans) {
  SourceFile file("a.jade", "abc");
  EXPECT_EQ(file.Text({1, 99}), "bc");
  EXPECT_EQ(file.Text({9, 4}), "");
}

TEST(Utf8Test, FindsTheFirstBadByte) {
  EXPECT_EQ(FirstInvalidUtf8("plain é 漢 🎈"), std::string_view::npos);
  EXPECT_EQ(FirstInvalidUtf8("ab\xff"), 2U);
  EXPECT_EQ(FirstInvalidUtf8("\xc0\x80"), 0U);          // overlong
  EXPECT_EQ(FirstInvalidUtf8("\xed\xa0\x80"), 0U);      // surrogate
  EXPECT_EQ(FirstInvalidUtf8("\xf4\x90\x80\x80"), 0U);  // above U+10FFFF
  EXPECT_EQ(FirstInvalidUtf8("x\xe2\x82"), 1U);         // truncated
}

TEST(ReadFileTest, SaysWhatIsWrong) {
  EXPECT_EQ(ReadFile("no/such/file", 10).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(ReadFile("/", 10).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ReadFile(JADE_SOURCE_DIR "/CMakeLists.txt", 10).error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace jade::source
