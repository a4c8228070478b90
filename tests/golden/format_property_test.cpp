// Over every golden input and every shipped module: formatting twice changes nothing, and formatting does not change
// the tree.

#include <gtest/gtest.h>

#include "compiler/ast/print.h"
#include "compiler/diag/render.h"
#include "compiler/format/format.h"
#include "compiler/parse/parse.h"
#include "tests/golden/golden.h"

namespace jade::golden {
namespace {

std::string Tree(const std::string& text) {
  diag::Diagnostics sink;
  const auto module = parse::ParseModule(std::make_shared<source::SourceFile>("a.jade", text), sink);
  EXPECT_FALSE(sink.has_errors()) << diag::RenderText(sink.Sorted());
  return ast::Print(*module);
}

TEST(FormatPropertyTest, KeepsTheTreeAndIsIdempotent) {
  size_t formatted = 0;
  for (const char* folder : {"/tests", "/stdlib", "/workflows"}) {
    for (const std::string& path : CasesIn(std::string(JADE_SOURCE_DIR) + folder)) {
      const auto golden = ReadCase(path);
      ASSERT_TRUE(golden.ok()) << golden.error().ToString();
      diag::Diagnostics sink;
      const auto once = format::Format(std::make_shared<source::SourceFile>("a.jade", golden->input), sink);
      if (!once) continue;  // has errors, by intention
      ++formatted;
      EXPECT_EQ(Tree(*once), Tree(golden->input)) << path;
      const auto twice = format::Format(std::make_shared<source::SourceFile>("a.jade", *once), sink);
      ASSERT_TRUE(twice.has_value()) << path;
      EXPECT_EQ(*twice, *once) << path;
    }
  }
  EXPECT_GT(formatted, 10U);
}

}  // namespace
}  // namespace jade::golden
