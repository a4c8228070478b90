// Holds the documents to what they say: every `jade` block of docs/language.md and docs/errors/*.md checks, or gives
// exactly the code that its fence names (```jade error=E0301). A ```plan block is checked as a plan of the planner `P`
// of the `jade` block before it. Workflows and the pages of all diagnostics of names, types, calls and plans are held
// too.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "compiler/diag/render.h"
#include "compiler/sema/plan.h"
#include "compiler/sema/sema.h"

namespace jade::sema {
namespace {

const std::filesystem::path kRoot = JADE_SOURCE_DIR;

struct Fence {
  std::string kind;   // "jade", "plan"
  std::string error;  // "E0301", or empty: no errors
  std::string text;
  size_t line = 0;
};

std::vector<Fence> Fences(const std::filesystem::path& path) {
  Result<std::string> text = source::ReadFile(path.string(), 1 << 22);
  EXPECT_TRUE(text.ok()) << path;
  std::vector<Fence> fences;
  if (!text.ok()) return fences;
  bool open = false;
  size_t line_number = 0;
  for (size_t at = 0; at < text->size();) {
    size_t end = std::min(text->find('\n', at), text->size());
    std::string line = text->substr(at, end - at);
    at = end + 1;
    ++line_number;
    if (line.rfind("```", 0) == 0) {
      open = !open;
      if (!open) continue;
      Fence fence{.line = line_number};
      size_t blank = line.find(' ');
      fence.kind = line.substr(3, blank == std::string::npos ? blank : blank - 3);
      size_t error = line.find("error=");
      if (error != std::string::npos) fence.error = line.substr(error + 6);
      fences.push_back(fence);
    } else if (open) {
      fences.back().text += line + "\n";
    }
  }
  EXPECT_FALSE(open) << path << " leaves a block open";
  return fences;
}

// Files that examples use by name.
Result<std::string> ReadExample(const std::string& path) {
  if (path == "shapes.jade")
    return std::string("record Shape { sides: Int }\nworkflow Square() -> Shape { Shape(4) }\n");
  if (path == "other.jade") return std::string("record Shape { corners: Int }\n");
  if (path == "left.jade") return std::string("use right\n");
  if (path == "right.jade") return std::string("use left\n");
  if (path == "broken_disk.jade") return Error(ErrorCode::kIo, "input/output error");
  return Error(ErrorCode::kNotFound, "no such file");
}

std::set<std::string> CheckDocument(const std::filesystem::path& path) {
  std::set<std::string> produced;
  ProgramPtr program;
  for (const Fence& fence : Fences(path)) {
    if (fence.kind != "jade" && fence.kind != "plan") continue;
    diag::Diagnostics sink;
    if (fence.kind == "jade") {
      auto file = std::make_shared<const source::SourceFile>("example.jade", fence.text);
      program = CheckProgram(file, {.read = ReadExample}, sink);
    } else if (program == nullptr || program->Find("P") == kNone) {
      ADD_FAILURE() << path << ":" << fence.line << ": a plan without a planner `P` before it";
      continue;
    } else {
      CheckPlan(*program, program->Find("P"), fence.text.substr(0, fence.text.size() - 1), sink);
    }
    std::vector<std::string> codes;
    for (const diag::Diagnostic& diagnostic : sink.all()) codes.push_back(diagnostic.code);
    std::vector<std::string> expected;
    if (!fence.error.empty()) expected.push_back(fence.error);
    EXPECT_EQ(codes, expected) << path.string() << ":" << fence.line << "\n" << diag::RenderText(sink.all());
    produced.insert(codes.begin(), codes.end());
  }
  return produced;
}

bool OfSema(std::string_view code) {
  return code.size() == 5 && code[0] == 'E' && code[2] >= '2' && code[2] <= '5';
}

TEST(DocumentsTest, TheLanguageReferenceIsTrue) {
  CheckDocument(kRoot / "docs/language.md");
}

TEST(DocumentsTest, TheFirstWorkflowIsTrue) {
  CheckDocument(kRoot / "docs/getting-started.md");
}

TEST(DocumentsTest, EveryDiagnosticHasAPageThatProducesIt) {
  for (const diag::DiagnosticRow& row : diag::AllDiagnostics()) {
    if (!OfSema(row.code)) continue;
    std::filesystem::path page = kRoot / "docs/errors" / (std::string(row.code) + ".md");
    if (!std::filesystem::exists(page)) {
      ADD_FAILURE() << "no page " << page;
      continue;
    }
    EXPECT_TRUE(CheckDocument(page).contains(std::string(row.code))) << page << " has no example of it";
  }
}

TEST(DocumentsTest, WorkflowsCheckWithBothSetsOfPrompts) {
  size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kRoot / "workflows")) {
    if (entry.path().extension() != ".jade") continue;
    ++seen;
    Result<std::string> text = source::ReadFile(entry.path().string(), 1 << 22);
    ASSERT_TRUE(text.ok());
    for (bool brief : {false, true}) {
      diag::Diagnostics sink;
      CheckOptions options;
      if (brief) options.replace = {{"std.rag", "std.rag_brief"}};
      auto file = std::make_shared<const source::SourceFile>(entry.path().string(), *text);
      ProgramPtr program = CheckProgram(file, options, sink);
      EXPECT_TRUE(program->ok) << diag::RenderText(sink.Sorted());
      EXPECT_NE(program->main, kNone);
    }
  }
  EXPECT_GE(seen, 5U);
}

// Text that breaks off anywhere, or lacks a piece, gives diagnostics and no more.
TEST(DocumentsTest, BrokenWorkflowsAreSurvived) {
  size_t broken = 0;
  for (const char* name : {"workflows/self_ask.jade", "stdlib/std/rag.jade", "stdlib/std/reward.jade"}) {
    Result<std::string> text = source::ReadFile((kRoot / name).string(), 1 << 22);
    ASSERT_TRUE(text.ok());
    for (size_t at = 0; at < text->size(); at += 29) {
      std::string cut = text->substr(0, at);
      std::string hole = *text;
      hole.erase(at, 5 + at % 11);
      for (const std::string& variant : {cut, hole}) {
        diag::Diagnostics sink;
        auto file = std::make_shared<const source::SourceFile>("broken.jade", variant);
        broken += CheckProgram(file, {.read = ReadExample}, sink)->ok ? 0 : 1;
      }
    }
  }
  EXPECT_GT(broken, 100U);
}

}  // namespace
}  // namespace jade::sema
