#pragma once
// Runs what was typed, one statement after another, and keeps what it gives. One thread.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cli/repl/equipment.h"
#include "cli/repl/workspace.h"

namespace jade::repl {

// The name of the last expression's value.
inline constexpr char kLast[] = "it";

class Evaluator {
 public:
  // All of them outlive it. `cancel` becomes true when the run shall end.
  Evaluator(Workspace& workspace, Equipment& equipment, const std::atomic<bool>& cancel)
      : workspace_(workspace), equipment_(equipment), cancel_(cancel) {}

  struct Outcome {
    std::string name;  // of a `let`; empty for an expression, whose value is then `it`
    types::TypeId type;
    session::FinishedRun run;
  };
  // Told after each statement; false ends the input.
  using Done = std::function<bool(const Outcome&)>;

  // Runs the statements of a checked snippet until one of them gives no value. Fails when a run cannot begin.
  Status Run(const sema::TypedSnippet& tree, const Setup& setup, session::RunObserver* observer, const Done& done);

  // The last run that made calls; null when there was none.
  const session::FinishedRun* last() const { return last_ ? &*last_ : nullptr; }
  void ForgetLast() { last_.reset(); }

 private:
  Result<session::FinishedRun> RunStatement(const sema::TypedSnippet& tree, size_t statement, const Setup& setup,
                                            session::RunObserver* observer);

  Workspace& workspace_;
  Equipment& equipment_;
  const std::atomic<bool>& cancel_;
  std::optional<session::FinishedRun> last_;
};

}  // namespace jade::repl
