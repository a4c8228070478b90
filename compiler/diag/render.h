#pragma once
// How diagnostics look: text for people, JSON for programs. Pure functions, any thread.

#include <string>
#include <vector>

#include "compiler/diag/diagnostic.h"

namespace jade::diag {

struct TextOptions {
  bool colour = false;
  uint32_t width = 100;  // source lines longer than this are cut to a window round the caret; at least 40
};

// error[E0202]: `DecomposeSeril` is not declared
//   --> solve.jade:12:15
//    |
// 12 |   let qs = DecomposeSeril(question)
//    |            ^^^^^^^^^^^^^^ label
//    = note: …
//    = help: did you mean `DecomposeSerial`?
//
// Ends with a newline. Control characters of the source are shown as `·`, tabs as one blank each.
std::string RenderText(const Diagnostic& diagnostic, const TextOptions& options = {});

// All of them, an empty line between, in the order given.
std::string RenderText(const std::vector<Diagnostic>& diagnostics, const TextOptions& options = {});

// One JSON object on one line, stable keys: code, severity, message, file, span {begin, end} (bytes), start and end
// {line, column} (1-based, columns in code points), label, notes [{message, file, span, start, end}], help, fix [{span,
// text}]. Absent places are null; label and help are "" when there is none.
std::string RenderJson(const Diagnostic& diagnostic);

// A JSON array of them.
std::string RenderJson(const std::vector<Diagnostic>& diagnostics);

}  // namespace jade::diag
