#include "tests/golden/golden.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>

namespace jade::golden {
namespace {

std::string Write(const std::string& text) {
  const std::string path = testing::TempDir() + "/golden_case.jade";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(GoldenTest, SplitsInputAndExpectation) {
  const auto golden = ReadCase(Write("a\nb\n// ==== expect ====\n// x\n//\n//   y\n"));
  ASSERT_TRUE(golden.ok());
  EXPECT_EQ(golden->input, "a\nb\n");
  EXPECT_EQ(golden->expectation, "x\n\n  y\n");
  EXPECT_EQ(WithExpectation(*golden, golden->expectation), "a\nb\n// ==== expect ====\n// x\n//\n//   y\n");
}

TEST(GoldenTest, CarriesOutDirectives) {
  const auto golden = ReadCase(Write("a\n//# repeat 3 x\\n\n//# bytes ff 41\nb"));
  ASSERT_TRUE(golden.ok());
  EXPECT_EQ(golden->input,
            "a\nx\nx\nx\n\xff"
            "Ab\n");
  EXPECT_EQ(golden->expectation, "");
}

TEST(GoldenTest, SaysWhenAFileIsMissing) {
  EXPECT_FALSE(ReadCase("no/such.jade").ok());
}

}  // namespace
}  // namespace jade::golden
