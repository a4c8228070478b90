#pragma once
// What somebody types at the prompt, before it is read as a program: where an input ends, and what kind it is. Pure,
// any thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jade::repl {

// Which brackets, braces and texts are open at the end of what it has seen. Linear in the text, however it is fed.
class Brackets {
 public:
  // The next lines of the input, each with its line break.
  void Feed(std::string_view text);
  bool open() const { return !open_.empty(); }
  bool in_text() const { return !open_.empty() && open_.back() != Kind::kBracket; }

 private:
  enum class Kind : uint8_t { kBracket, kText, kLongText, kRawText };
  size_t Code(std::string_view text, size_t at);
  size_t Inside(std::string_view text, size_t at, Kind kind);
  void CloseLine();

  std::vector<Kind> open_;
};

enum class InputKind : uint8_t { kEmpty, kCommand, kDeclaration, kStatement };
InputKind KindOf(std::string_view text);

enum class InputState : uint8_t {
  kComplete,
  kOpen,        // a bracket or a text is open: only more lines can close it
  kUnfinished,  // it cannot end here (`1 +`), unless somebody says so with an empty line
};

// Collects lines until they make an input.
class InputBuffer {
 public:
  // A line without its break.
  void Add(std::string_view line);
  // Whether the line begins an input of its own though a bracket is open: a command or a declaration in the first
  // column. What is there has a mistake then, and must not swallow what follows.
  bool EndsBefore(std::string_view line) const;
  InputState state() const { return state_; }
  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }
  std::string Take();

 private:
  std::string text_;
  Brackets brackets_;
  InputState state_ = InputState::kComplete;
};

// The complete inputs of a text, and the lines behind them that are none yet.
std::vector<std::string> SplitInputs(std::string_view text, std::string* rest);

}  // namespace jade::repl
