// The golden files of tests/lower: a program, the marker, and its JIR as comments. JADE_UPDATE_GOLDENS=1 rewrites them.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/diag/render.h"
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"
#include "compiler/lower/lower.h"
#include "compiler/sema/sema.h"

namespace jade::lower {
namespace {

constexpr std::string_view kMarker = "// ==== expect ====\n";

std::string JirOf(const std::string& name, const std::string& text) {
  diag::Diagnostics sink;
  sema::ProgramPtr program = sema::CheckProgram(std::make_shared<source::SourceFile>(name, text), {}, sink);
  EXPECT_TRUE(program->ok) << diag::RenderText(sink.all());
  if (!program->ok) return "";
  Lowered lowered = LowerProgram(*program);
  Status verified = ir::Verify(*lowered.module);
  EXPECT_TRUE(verified.ok()) << verified.error().ToString();
  return ir::Print(*lowered.module);
}

std::string AsComments(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) out += line.empty() ? "//\n" : "// " + line + "\n";
  return out;
}

class Golden : public ::testing::TestWithParam<const char*> {};

TEST_P(Golden, Jir) {
  std::string path = std::string(JADE_SOURCE_DIR "/tests/lower/") + GetParam() + ".jade";
  auto file = source::ReadFile(path, 1 << 20);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  size_t marker = file->find(kMarker);
  std::string input = file->substr(0, marker);
  std::string expected = marker == std::string::npos ? "" : file->substr(marker + kMarker.size());
  std::string actual = AsComments(JirOf(std::string(GetParam()) + ".jade", input));
  if (std::getenv("JADE_UPDATE_GOLDENS") != nullptr) {
    std::ofstream(path) << input << kMarker << actual;
    return;
  }
  EXPECT_EQ(actual, expected);
}

INSTANTIATE_TEST_SUITE_P(Lower, Golden, ::testing::Values("calls", "control", "roles", "plans"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace jade::lower
