#pragma once
// Runs and tests as people see them while they work: calls as they finish, traps, failed expectations.

#include <string>

#include "cli/terminal.h"
#include "runtime/session/session.h"
#include "runtime/session/test_runner.h"

namespace jade::cli {

// Writes a line for each call to standard error when it is done.
class Narrator final : public session::RunObserver {
 public:
  Narrator() : style_(Style::For(stderr)) {}
  void CallFinished(session::RunId, const trace::CallRecord& call) override;

 private:
  Style style_;
};

// A path through a recursion of a thousand steps is shown by its ends. `remedy` follows the trap of a budget.
std::string TrapText(abi::Trap trap, std::string_view remedy);

// "solve.jade:3:1", or nothing.
std::string PlaceText(const source::SourceFilePtr& file, source::Span span);

// Why a test failed, indented, a line each; empty for one that passed.
std::string FailureText(const session::TestResult& test);

}  // namespace jade::cli
