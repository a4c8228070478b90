#pragma once
// Name and type checking: from a file to a Program. Reports every independent mistake once; what was diagnosed gets the
// poisoned type, which nothing complains about again. Safe on several threads at once, each with its own sink.

#include <functional>
#include <map>
#include <string>

#include "compiler/diag/diagnostic.h"
#include "compiler/result/result.h"
#include "compiler/sema/typed.h"

namespace jade::sema {

struct CheckOptions {
  // Modules taken in place of others: {"std.rag", "std.rag_brief"} is what `prompts: brief` means.
  std::map<std::string, std::string> replace;
  // Reads a file that `use` names, by its path relative to the using file. Default: source::ReadFile.
  std::function<Result<std::string>(const std::string& path)> read;
};

// Parses and checks `file` and everything it uses. Never null; `ok` says whether it may be lowered.
ProgramPtr CheckProgram(const source::SourceFilePtr& file, const CheckOptions& options, diag::Diagnostics& sink);

}  // namespace jade::sema
