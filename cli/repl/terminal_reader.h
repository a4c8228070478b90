#pragma once
// Inputs from a person at a terminal.

#include <atomic>
#include <deque>
#include <memory>
#include <string>

#include "cli/line/line_editor.h"
#include "cli/repl/prompt.h"

namespace jade::repl {

class TerminalReader final : public InputReader {
 public:
  explicit TerminalReader(std::unique_ptr<line::LineEditor> editor) : editor_(std::move(editor)) {}

  Read Next(std::string* input) override;
  bool interactive() const override { return true; }

 private:
  std::unique_ptr<line::LineEditor> editor_;
  std::deque<std::string> inputs_;  // of a paste that has several
};

// The reader that suits the terminal: with editing where that works. The context outlives it.
std::unique_ptr<InputReader> MakeTerminalReader(const Context& context);

// $XDG_STATE_HOME/jade/history or ~/.local/state/jade/history; empty when neither variable is an absolute path.
std::string HistoryFile();

}  // namespace jade::repl
