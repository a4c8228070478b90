#pragma once
// Editing of inputs of several lines at a terminal: history, completion, colours while one types. One editor at a time,
// on standard input and output; one thread. Nothing of the library behind it shows here.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace jade::line {

// A stretch of text and the escape codes that begin its colour. In order, not overlapping; bytes.
struct Coloured {
  size_t begin = 0;
  size_t end = 0;
  std::string_view code;
};

// What could stand from `begin` to the cursor.
struct Completion {
  size_t begin = 0;
  std::vector<std::string> candidates;
};

struct EditorOptions {
  std::string prompt;
  std::string history_file;  // empty: nothing is kept
  bool colour = true;
  // Whether Enter ends the input, or begins another line of it.
  std::function<bool(std::string_view text)> is_complete;
  std::function<std::vector<Coloured>(std::string_view text)> colours;
  std::function<Completion(std::string_view text, size_t cursor)> complete;
};

class LineEditor {
 public:
  // Null in a build without the library, and where it cannot work on the terminal.
  static std::unique_ptr<LineEditor> Open(EditorOptions options);
  virtual ~LineEditor() = default;

  enum class Outcome : uint8_t { kText, kInterrupted, kEnd };
  virtual Outcome Read(std::string* text) = 0;
  // What the arrow keys bring back; repetitions and very long inputs are left out.
  virtual void Remember(const std::string& text) = 0;
};

}  // namespace jade::line
