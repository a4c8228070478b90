#pragma once
// The passes over JIR by name, and running them over a module. No pass changes the set, the paths or the number of the
// calls that a run makes, nor the value or the trap it ends with.

#include <span>
#include <string_view>
#include <vector>

#include "compiler/ir/module.h"

namespace jade::passes {

struct Pass {
  std::string_view name;     // "fold"
  std::string_view summary;  // a line for --help
  ir::Function (*run)(ir::Module& module, const ir::Function& function);
};

// In the order in which they make sense.
std::span<const Pass> AllPasses();

using PassList = std::vector<const Pass*>;

// "maps,fold"; "none" is no pass, "default" those of a program. Fails with kInvalidArgument and the names there are.
Result<PassList> ParsePasses(std::string_view text);

const PassList& ProgramPasses();
// Of plans and snippets, which run at once: what makes them wait less, and nothing that only makes them shorter.
const PassList& PlanPasses();

// Runs the passes over the module's own functions, which must not be shared yet. With `verify`, what a pass makes is
// checked, and a failure (a bug of the pass, named) stops the process.
void RunPasses(ir::Module& module, std::span<const Pass* const> passes, bool verify = false);

}  // namespace jade::passes
