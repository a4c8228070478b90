#pragma once
// Bounds as `jade check --bounds` shows them.

#include <string>
#include <vector>

#include "compiler/bounds/bounds.h"
#include "compiler/diag/diagnostic.h"

namespace jade::bounds {

// E0601 for each workflow that cannot return, however it is called.
void ReportEndless(const ir::Module& module, const Bounds& bounds, diag::Diagnostics& sink);

// The workflows declared in `file`, then the planners that the module has: what they may spend, and what that depends
// on. The text ends with a line break, or is empty.
std::string ToText(const ir::Module& module, const Bounds& bounds, const std::string& file);
// An object for each of them: {"file", "name", "kind", "calls", "retrievals", "tokens", "depth", "returns",
// "unknowns"}. A bound is a number, or a text where it depends on something; a planner has no `returns`.
std::vector<std::string> ToJson(const ir::Module& module, const Bounds& bounds, const std::string& file);

}  // namespace jade::bounds
