#pragma once
// From the typed tree to JIR. Lowering assigns every call its site, cuts prompts into segments, writes issue and await
// side by side, and lets the overlap pass (overlap.h) make data flow the schedule. It cannot fail: what it is given was
// checked. Any thread; the program must not change meanwhile.

#include <memory>
#include <vector>

#include "compiler/ir/module.h"
#include "compiler/sema/plan.h"
#include "compiler/sema/typed.h"

namespace jade::lower {

struct LowerOptions {
  bool overlap = true;  // off: calls one after another, in program order
};

// A program in JIR, with what each declaration of sema::Program became. Immutable; runs and plans share it.
struct Lowered {
  std::shared_ptr<const ir::Module> module;
  std::vector<ir::CalleeId> callees;      // by declaration: executors, planners, tools
  std::vector<ir::FunctionId> functions;  // by declaration: workflows, rewards
  std::vector<ir::FunctionId> thunks;     // by declaration: where it stands for a plan, as far as the program does so
  std::vector<int32_t> params;            // by declaration: index in Module::params, or -1
};

// The whole program. Requires program.ok.
Lowered LowerProgram(const sema::Program& program, const LowerOptions& options = {});

// A plan as a module of its own that extends the program's; main() is the plan. Microseconds.
std::shared_ptr<const ir::Module> LowerPlan(const sema::Program& program, const Lowered& base,
                                            const sema::TypedPlan& plan, const LowerOptions& options = {});

// A block typed at a prompt, as a workflow `name` without parameters in a module of its own. `tables` are of its tree.
struct Snippet {
  std::string name;
  const ast::Block* block = nullptr;
  const sema::Tables* tables = nullptr;
  source::SourceFilePtr file;
};
std::shared_ptr<const ir::Module> LowerSnippet(const sema::Program& program, const Lowered& base,
                                               const Snippet& snippet, const LowerOptions& options = {});

}  // namespace jade::lower
