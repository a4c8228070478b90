#pragma once
// A program ready to run: its files parsed, checked and lowered. Made once, shared by any number of runs.
//
// A Program is used from one thread at a time: checking a planner's plan adds to its tables.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/bounds/bounds.h"
#include "compiler/diag/diagnostic.h"
#include "compiler/ir/module.h"
#include "compiler/lower/lower.h"
#include "compiler/passes/pipeline.h"
#include "compiler/sema/sema.h"

namespace jade::session {

struct LoadOptions {
  std::map<std::string, std::string> replace;  // {"std.rag", "std.rag_brief"}: modules taken in place of others
  const passes::PassList* passes = &passes::ProgramPasses();
  const passes::PassList* plan_passes = &passes::PlanPasses();  // over what its planners write
};

class Program;
using ProgramPtr = std::shared_ptr<Program>;

struct Loaded {
  ProgramPtr program;                         // null when there are errors
  std::vector<diag::Diagnostic> diagnostics;  // errors and warnings, in order of place
};

class Program {
 public:
  // Reads, checks and lowers a file and what it uses. Fails only when the file cannot be read; what is wrong with its
  // text is in Loaded::diagnostics.
  static Result<Loaded> LoadFile(const std::string& path, const LoadOptions& options = {});
  static Loaded LoadText(std::string name, std::string text, const LoadOptions& options = {});

  const ir::ModulePtr& module() const { return module_; }
  const std::string& name() const { return name_; }  // of the file given
  const std::string& hash() const { return hash_; }  // hex XXH3-128 of all source texts
  const types::TypeTable& types() const { return *checked_->types; }

  // A workflow by name, or the entry when `name` is empty. Fails with kNotFound and the names there are.
  struct Workflow {
    std::string name;
    ir::FunctionId function;
    const types::Signature* signature = nullptr;
    std::vector<ir::FunctionId> defaults;  // by parameter; unset: it has none
  };
  Result<Workflow> FindWorkflow(const std::string& name) const;
  std::vector<std::string> WorkflowNames() const;
  // A reward by name, or the only one when `name` is empty. Fails with kNotFound.
  Result<Workflow> FindReward(const std::string& name) const;

  // What its functions may spend, found when first asked for.
  const bounds::Bounds& bounds() const;

  // For plans.
  sema::Program& checked() const { return *checked_; }
  const passes::PassList& plan_passes() const { return *plan_passes_; }
  const lower::Lowered& lowered() const { return lowered_; }
  uint32_t DeclarationOf(ir::CalleeId callee) const;  // index in sema::Program::declarations

 private:
  Result<Workflow> Find(const std::string& name, ast::DeclKind kind, std::string_view what) const;

  sema::ProgramPtr checked_;
  const passes::PassList* plan_passes_ = nullptr;
  lower::Lowered lowered_;
  ir::ModulePtr module_;  // lowered_.module, which nothing changes any more
  mutable std::unique_ptr<const bounds::Bounds> bounds_;
  std::string name_;
  std::string hash_;
};

}  // namespace jade::session
