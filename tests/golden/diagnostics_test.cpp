// Every diagnostic has a page and a golden file that produces it, and no page outlives its diagnostic.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "compiler/diag/diagnostic.h"
#include "tests/golden/golden.h"

namespace jade::golden {
namespace {

std::string PageOf(std::string_view code) {
  return fmt::format(JADE_SOURCE_DIR "/docs/errors/{}.md", code);
}

TEST(DiagnosticsTest, EachHasAPage) {
  for (const diag::DiagnosticRow& row : diag::AllDiagnostics()) {
    const auto page = source::ReadFile(PageOf(row.code), 1 << 20);
    ASSERT_TRUE(page.ok()) << page.error().ToString();
    EXPECT_EQ(page->rfind(fmt::format("# {}", row.code), 0), 0U) << PageOf(row.code) << " begins with its code";
    EXPECT_NE(page->find("```"), std::string::npos) << PageOf(row.code) << " shows an example";
  }
}

TEST(DiagnosticsTest, NoPageWithoutADiagnostic) {
  std::set<std::string> codes;
  for (const diag::DiagnosticRow& row : diag::AllDiagnostics()) codes.emplace(row.code);
  for (const auto& entry : std::filesystem::directory_iterator(JADE_SOURCE_DIR "/docs/errors")) {
    const std::string name = entry.path().stem().string();
    if (name == "README") continue;
    EXPECT_TRUE(codes.contains(name)) << entry.path() << " documents nothing in diagnostics.def";
  }
}

TEST(DiagnosticsTest, EachIsProducedByAGoldenFile) {
  std::string expectations;
  for (const std::string& path : CasesIn(JADE_SOURCE_DIR "/tests")) {
    const auto golden = ReadCase(path);
    ASSERT_TRUE(golden.ok()) << golden.error().ToString();
    expectations += golden->expectation;
  }
  // The goldens of names, types, calls and plans live in tests/sema.
  const bool sema = std::filesystem::exists(JADE_SOURCE_DIR "/tests/sema");
  for (const diag::DiagnosticRow& row : diag::AllDiagnostics()) {
    if (!sema && row.code.substr(0, 3) != "E00" && row.code.substr(0, 3) != "E01") continue;
    EXPECT_NE(expectations.find(fmt::format("[{}]", row.code)), std::string::npos)
        << "no golden file below tests/ expects " << row.code;
  }
}

}  // namespace
}  // namespace jade::golden
