#pragma once
// The formatter behind `jade fmt`. Like gofmt it keeps the writer's line breaks and settles everything else:
// indentation (two blanks a level), blanks between tokens, at most one empty line, clause values of a role aligned in a
// column. Comments stay where they are and templates are not touched. Formatting twice changes nothing, and the tree of
// the result equals the tree of the input but for spans.

#include <optional>
#include <string>

#include "compiler/diag/diagnostic.h"
#include "compiler/source/source.h"

namespace jade::format {

// The formatted text, or nothing, with the diagnostics in `sink`, when the file does not parse.
std::optional<std::string> Format(const source::SourceFilePtr& file, diag::Diagnostics& sink);

}  // namespace jade::format
