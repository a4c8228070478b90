#pragma once
// What inputs and commands act on, and the acts they share. One thread.

#include <atomic>
#include <string>
#include <string_view>

#include "cli/repl/console.h"
#include "cli/repl/equipment.h"
#include "cli/repl/evaluator.h"
#include "cli/repl/workspace.h"

namespace jade::repl {

struct Context {
  // The equipment and the flag, which Ctrl-C sets, outlive it.
  Context(Equipment& tools, Setup initial, session::LoadOptions load, std::atomic<bool>& interrupted)
      : equipment(tools),
        setup(std::move(initial)),
        cancel(interrupted),
        workspace(std::move(load)),
        evaluator(workspace, tools, interrupted) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Equipment& equipment;
  Setup setup;
  std::atomic<bool>& cancel;
  Workspace workspace;
  Evaluator evaluator;
  Console console;
  std::string saved_as;  // the file that `:save` writes without asking
  int inputs = 0;
  bool quit = false;
};

// Text of a program as the input's number names it: `<repl:3>`.
source::SourceFilePtr InputFile(const Context& context, std::string text);

// Declarations; says what was defined, and what values that has ended.
bool Define(Context& context, const source::SourceFilePtr& file);
void ShowChange(Context& context, const Change& change);
// Reads a file as declarations. False when it cannot be read or has errors.
bool LoadFile(Context& context, const std::string& path);

// Checks and runs `let`s and an expression, and shows what they give. `timed`: and what that took.
void Evaluate(Context& context, const source::SourceFilePtr& file, bool timed = false);

}  // namespace jade::repl
