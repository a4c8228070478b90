#pragma once
// The prompt itself: takes inputs, one after another, and does what they say. One thread.

#include <string>

#include "cli/repl/context.h"

namespace jade::repl {

// What a session reads from: a person at a terminal, or a text.
class InputReader {
 public:
  virtual ~InputReader() = default;
  enum class Read : uint8_t {
    kInput,
    kInterrupted,  // Ctrl-C: what was typed so far is gone
    kEnd,
  };
  virtual Read Next(std::string* input) = 0;
  // A person goes on after Ctrl-C; a text does not.
  virtual bool interactive() const = 0;
};

// One input, whatever kind it is.
void HandleInput(Context& context, const std::string& input);

// Inputs until the last one or `:quit`. The session's exit status: of a person 0, of a text the worst that happened.
int RunPrompt(Context& context, InputReader& reader);

}  // namespace jade::repl
