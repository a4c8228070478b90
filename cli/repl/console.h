#pragma once
// What the prompt writes: results to standard output, everything else to standard error, in the order in which it
// happens. One thread.

#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "compiler/diag/diagnostic.h"
#include "compiler/result/result.h"

namespace jade::repl {

// What a whole session comes to; the worst of it counts. Exit statuses of docs/cli.md.
enum class Verdict : int { kFine = 0, kInputErrors = 1, kRunFailed = 3 };

class Console {
 public:
  Console() : out_(cli::Style::For(stdout)), err_(cli::Style::For(stderr)) {}

  const cli::Style& style() const { return out_; }
  // A line, or lines without the last break.
  void Result(std::string_view text);
  void Note(std::string_view text);
  void Diagnostics(const std::vector<diag::Diagnostic>& diagnostics);
  // "error: …": of what was typed, or of a run.
  void Wrong(std::string_view message);
  void Failed(std::string_view kind, std::string_view message);
  void Failed(const Error& error);

  Verdict verdict() const { return verdict_; }

 private:
  void Count(Verdict verdict);
  cli::Style out_;
  cli::Style err_;
  Verdict verdict_ = Verdict::kFine;
};

}  // namespace jade::repl
