#pragma once
// From the typed tree to JIR. Lowering assigns every call its site, cuts prompts into segments, and writes issue and
// await side by side, calls in program order; the passes (compiler/passes) then make data flow the schedule. It cannot
// fail: what it is given was checked. Any thread; the program must not change meanwhile.

#include <memory>
#include <vector>

#include "compiler/ir/module.h"
#include "compiler/sema/plan.h"
#include "compiler/sema/snippet.h"
#include "compiler/sema/typed.h"

namespace jade::lower {

// A program in JIR, with what each declaration of sema::Program became. The module is the caller's to change until runs
// and plans share it.
struct Lowered {
  std::shared_ptr<ir::Module> module;
  std::vector<ir::CalleeId> callees;      // by declaration: executors, planners, tools
  std::vector<ir::FunctionId> functions;  // by declaration: workflows, rewards
  std::vector<ir::FunctionId> thunks;     // by declaration: where it stands for a plan, as far as the program does so
  std::vector<int32_t> params;            // by declaration: index in Module::params, or -1
  // By declaration and parameter: of workflows, what a parameter is when it is not given from outside.
  std::vector<std::vector<ir::FunctionId>> defaults;
};

// The whole program. Requires program.ok.
Lowered LowerProgram(const sema::Program& program);

// A plan as a module of its own that extends the program's; main() is the plan. Microseconds.
std::shared_ptr<ir::Module> LowerPlan(const sema::Program& program, const Lowered& base, const sema::TypedPlan& plan);

// An expression typed at a prompt, as a workflow `name` in a module of its own, of which it is main(). Its parameters
// are the values that the prompt has kept.
struct Snippet {
  std::string name;
  const sema::TypedSnippet* tree = nullptr;
  size_t statement = 0;                // of it
  std::vector<sema::Given> arguments;  // what becomes parameters: all that the statement uses
};
std::shared_ptr<ir::Module> LowerSnippet(const sema::Program& program, const Lowered& base, const Snippet& snippet);

}  // namespace jade::lower
