// The tests inside workflows/*.jade and tests/method/*.jade.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "compiler/diag/render.h"
#include "runtime/session/test_runner.h"

namespace jade::session {
namespace {

std::vector<std::string> Workflows() {
  std::vector<std::string> paths;
  for (const char* folder : {JADE_SOURCE_DIR "/workflows", JADE_SOURCE_DIR "/tests/method"}) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".jade") paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

class WorkflowFile : public ::testing::TestWithParam<std::string> {};

TEST_P(WorkflowFile, ItsTestsPass) {
  Result<Loaded> loaded = Program::LoadFile(GetParam());
  ASSERT_TRUE(loaded.ok()) << loaded.error().ToString();
  ASSERT_NE(loaded->program, nullptr) << diag::RenderText(loaded->diagnostics);
  const std::vector<TestResult> results = RunTests(loaded->program);
  EXPECT_FALSE(results.empty()) << "a workflow without a test";
  for (const TestResult& result : results) {
    for (const FailedExpectation& failure : result.failures) {
      ADD_FAILURE() << result.name << ": " << failure.place.ToString() << "\n  left:  " << failure.left
                    << "\n  right: " << failure.right;
    }
    if (result.trap) ADD_FAILURE() << result.name << ": " << result.trap->ToString();
    for (const std::string& unused : result.unused_replies) ADD_FAILURE() << result.name << ": unused " << unused;
    EXPECT_GT(result.expectations, 0) << result.name;
  }
}

INSTANTIATE_TEST_SUITE_P(All, WorkflowFile, ::testing::ValuesIn(Workflows()),
                         [](const auto& info) { return std::filesystem::path(info.param).stem().string(); });

}  // namespace
}  // namespace jade::session
