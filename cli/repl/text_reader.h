#pragma once
// Inputs from a stream that is no terminal: a file, a pipe.

#include <atomic>
#include <optional>
#include <string>

#include "cli/repl/input.h"
#include "cli/repl/prompt.h"

namespace jade::repl {

inline constexpr char kPrompt[] = "jade> ";
inline constexpr char kMorePrompt[] = "....> ";

class TextReader final : public InputReader {
 public:
  struct Options {
    int descriptor = 0;
    bool echo = false;    // to standard output, with the prompt: the output then reads like a session
    bool person = false;  // shows the prompt before it reads, and goes on after Ctrl-C
  };
  // The flag, which Ctrl-C sets, outlives it.
  TextReader(Options options, const std::atomic<bool>& cancel) : options_(options), cancel_(cancel) {}

  Read Next(std::string* input) override;
  bool interactive() const override { return options_.person; }

 private:
  // False at the end, and when interrupted.
  bool Line(std::string* line);

  Options options_;
  const std::atomic<bool>& cancel_;
  InputBuffer buffer_;
  std::string pending_;
  size_t taken_ = 0;  // of pending_
  bool at_end_ = false;
  std::optional<std::string> held_;  // a line that belongs to the next input
};

}  // namespace jade::repl
