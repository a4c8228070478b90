#include "compiler/diag/diagnostic.h"

#include <gtest/gtest.h>

#include <set>

namespace jade::diag {
namespace {

source::SourceFilePtr File(std::string name, std::string text) {
  return std::make_shared<source::SourceFile>(std::move(name), std::move(text));
}

TEST(DiagnosticsTest, FillsTheMessageAndCountsErrors) {
  Diagnostics sink;
  sink.Report(kUnexpectedToken, File("a.jade", "x"), {0, 1}, "`x`", "a type").Label("here").Help("write a type");
  ASSERT_EQ(sink.all().size(), 1U);
  EXPECT_EQ(sink.all()[0].message, "unexpected `x`: expected a type");
  EXPECT_EQ(sink.all()[0].code, "E0101");
  EXPECT_EQ(sink.all()[0].primary.label, "here");
  EXPECT_EQ(sink.error_count(), 1U);
}

TEST(DiagnosticsTest, KeepsNoMoreThanTheCapAndSaysSo) {
  Diagnostics sink(2);
  const auto file = File("a.jade", "xxx");
  for (uint32_t i = 0; i < 5; ++i) sink.Report(kEmptyHole, file, {i, i + 1}).Help("ignored when dropped");
  EXPECT_EQ(sink.all().size(), 2U);
  EXPECT_EQ(sink.error_count(), 5U);
  const auto sorted = sink.Sorted();
  ASSERT_EQ(sorted.size(), 3U);
  EXPECT_EQ(sorted.back().message, "too many errors: 3 more are not shown");
}

TEST(DiagnosticsTest, SortsByPlaceWithinAFile) {
  Diagnostics sink;
  const auto a = File("a", "abcdef");
  const auto b = File("b", "abcdef");
  sink.Report(kEmptyHole, b, {4, 5});
  sink.Report(kEmptyHole, a, {0, 1});
  sink.Report(kEmptyHole, b, {1, 2});
  const auto sorted = sink.Sorted();
  EXPECT_EQ(sorted[0].primary.span.begin, 1U);
  EXPECT_EQ(sorted[1].primary.span.begin, 4U);
  EXPECT_EQ(sorted[2].primary.file->name(), "a");
}

TEST(DiagnosticsTest, CodesAndMessagesFollowTheStyle) {
  std::set<std::string_view> codes;
  for (const DiagnosticRow& row : AllDiagnostics()) {
    EXPECT_TRUE(codes.insert(row.code).second) << row.code << " is used twice";
    EXPECT_EQ(row.code[0], row.severity == Severity::kError ? 'E' : 'W') << row.code;
    EXPECT_FALSE(row.message.empty());
    EXPECT_NE(row.message.back(), '.') << row.code << ": no full stop";
    EXPECT_FALSE(row.message[0] >= 'A' && row.message[0] <= 'Z') << row.code << ": lower case";
  }
}

}  // namespace
}  // namespace jade::diag
