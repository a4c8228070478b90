#pragma once
// Runs the `test` blocks of a program on scripted replies: no model, no network, no time passes. One thread.

#include <string>
#include <vector>

#include "compiler/abi/trap.h"
#include "runtime/interp/native.h"
#include "runtime/session/program.h"

namespace jade::session {

struct FailedExpectation {
  abi::Trap place;   // file, span, path; its message is the expectation as written
  std::string left;  // the two sides of a comparison as JSON; empty for other expectations
  std::string right;
};

struct TestResult {
  std::string name;
  source::SourceFilePtr file;
  source::Span span;
  std::vector<FailedExpectation> failures;
  std::optional<abi::Trap> trap;            // the test ended by a trap
  std::vector<std::string> unused_replies;  // "2 replies of `QR`"; a test that scripts what is never asked fails
  int64_t expectations = 0;
  bool passed() const { return failures.empty() && !trap && unused_replies.empty(); }
};

struct TestOptions {
  std::string filter;  // only tests whose name contains it
  // Replies may come back in any order without changing a test's outcome; a seed other than 0 shuffles them.
  uint64_t shuffle_seed = 0;
  interp::CodeSource* code = nullptr;  // compiled code; null: everything is interpreted
};

// The tests of the file given (not of the modules it uses), in order.
std::vector<TestResult> RunTests(const ProgramPtr& program, const TestOptions& options = {});

}  // namespace jade::session
