#include "cli/line/painter.h"

#include <gtest/gtest.h>

#include <clocale>

namespace jade::line {
namespace {

constexpr std::string_view kRed = "\033[31m";

class PainterTest : public ::testing::Test {
 protected:
  PainterTest() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
  static std::string PaintFirst(std::string_view text, size_t cursor, Screen screen = {20, 5}) {
    return Paint(text, cursor, 6, screen, {{0, 1, kRed}});
  }
};

TEST_F(PainterTest, WritesInPlaceAndGoesBack) {
  EXPECT_EQ(PaintFirst("ab", 1), "\r\033[6C\033[0m\033[31ma\033[0mb\033[0m\r\033[7C");
}

TEST_F(PainterTest, FollowsLineBreaksAndMargins) {
  EXPECT_EQ(PaintFirst("a\nb", 3), "\033[1A\r\033[6C\033[0m\033[31ma\033[0m\033[1B\rb\033[0m\r\033[1C");
  // Six columns of prompt and fourteen of text fill the row; the cursor stands below.
  const std::string full(14, 'x');
  const std::string painted = PaintFirst(full, 14);
  EXPECT_TRUE(painted.starts_with("\033[1A\r\033[6C"));
  EXPECT_TRUE(painted.ends_with("\033[1B\r\033[0m\r"));
}

TEST_F(PainterTest, CharactersOfSeveralBytesTakeOneCell) {
  EXPECT_TRUE(PaintFirst("é", 2).ends_with("\033[31mé\033[0m\r\033[7C"));
}

TEST_F(PainterTest, LeavesAloneWhatItCannotPlace) {
  EXPECT_EQ(PaintFirst("日", 3), "");
  EXPECT_EQ(PaintFirst("a\tb", 3), "");
  EXPECT_EQ(PaintFirst("1\n2\n3\n4\n5\n6", 0), "");
  EXPECT_EQ(Paint("ab", 0, 6, {20, 5}, {}), "");
}

}  // namespace
}  // namespace jade::line
