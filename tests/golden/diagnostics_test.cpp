// Every diagnostic has a page and a golden file that produces it, and no page outlives its diagnostic.

#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "compiler/diag/diagnostic.h"
#include "compiler/diag/render.h"
#include "compiler/parse/parse.h"
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

// Files of other folders are not run, and a code in a message, a comment or a program is not a diagnostic.
TEST(DiagnosticsTest, EachIsProducedByAGoldenFile) {
  std::set<std::string> produced;
  for (const Stage& stage : Stages()) {
    for (const std::string& path : CasesIn(JADE_SOURCE_DIR "/tests/" + stage.name)) {
      const auto golden = ReadCase(path);
      ASSERT_TRUE(golden.ok()) << golden.error().ToString();
      std::istringstream lines(golden->expectation);
      for (std::string line; std::getline(lines, line);) {
        const size_t code = line.rfind("error[", 0) == 0 ? 6 : line.rfind("warning[", 0) == 0 ? 8 : 0;
        if (code != 0) produced.insert(line.substr(code, line.find(']') - code));
      }
    }
  }
  for (const diag::DiagnosticRow& row : diag::AllDiagnostics()) {
    EXPECT_TRUE(produced.contains(std::string(row.code))) << "no golden file expects " << row.code;
  }
}

// The first example of a page on words and grammar gives its diagnostic and no other; those of names, types, calls and
// plans are held to that by compiler/sema. An example that is abridged, or no module, stands in a `text` block.
TEST(DiagnosticsTest, PagesOnGrammarShowTheirDiagnostic) {
  constexpr std::string_view kFence = "```jade\n";
  const std::set<std::string_view> abridged = {"E0107", "E0125", "E0129"};
  for (const diag::DiagnosticRow& row : diag::AllDiagnostics()) {
    if (row.code.substr(0, 3) != "E01") continue;
    const auto page = source::ReadFile(PageOf(row.code), 1 << 20);
    ASSERT_TRUE(page.ok()) << page.error().ToString();
    const size_t begin = page->find(kFence);
    if (begin == std::string::npos) {
      EXPECT_TRUE(abridged.contains(row.code)) << PageOf(row.code) << " has no `jade` block";
      continue;
    }
    const size_t end = page->find("```", begin + kFence.size());
    const auto file = std::make_shared<source::SourceFile>(
        "page.jade", page->substr(begin + kFence.size(), end - begin - kFence.size()));
    diag::Diagnostics sink;
    (void)parse::ParseModule(file, sink);
    std::set<std::string> codes;
    for (const diag::Diagnostic& diagnostic : sink.all()) codes.insert(diagnostic.code);
    EXPECT_EQ(codes, std::set<std::string>{std::string(row.code)}) << PageOf(row.code) << "\n"
                                                                   << diag::RenderText(sink.all());
  }
}

}  // namespace
}  // namespace jade::golden
