#include "cli/repl/console.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/diag/render.h"

namespace jade::repl {

void Console::Count(Verdict verdict) {
  verdict_ = std::max(verdict_, verdict);
}

void Console::Result(std::string_view text) {
  fmt::print("{}{}", text, text.ends_with('\n') ? "" : "\n");
  std::fflush(stdout);
}

void Console::Note(std::string_view text) {
  fmt::print(stderr, "{}{}{}\n", err_.dim, text, err_.reset);
}

void Console::Diagnostics(const std::vector<diag::Diagnostic>& diagnostics) {
  if (diagnostics.empty()) return;
  fmt::print(stderr, "{}", diag::RenderText(diagnostics, {.colour = !err_.reset.empty()}));
  const bool wrong = std::any_of(diagnostics.begin(), diagnostics.end(),
                                 [](const auto& d) { return d.severity == diag::Severity::kError; });
  if (wrong) Count(Verdict::kInputErrors);
}

void Console::Wrong(std::string_view message) {
  fmt::print(stderr, "{}error:{} {}\n", err_.red, err_.reset, message);
  Count(Verdict::kInputErrors);
}

void Console::Failed(std::string_view kind, std::string_view message) {
  fmt::print(stderr, "{}{}:{} {}\n", err_.red, kind, err_.reset, message);
  Count(Verdict::kRunFailed);
}

void Console::Failed(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
    case ErrorCode::kUnsupported:
    case ErrorCode::kVersion:
      return Wrong(error.ToString());
    default:
      return Failed("error", error.ToString());
  }
}

}  // namespace jade::repl
