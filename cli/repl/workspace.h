#pragma once
// What a prompt works on: declarations, the program they make, and the values kept. A change that the program does not
// survive leaves everything as it was. One thread.

#include <memory>
#include <string>
#include <vector>

#include "cli/repl/definitions.h"
#include "cli/repl/kept_values.h"
#include "compiler/sema/snippet.h"
#include "runtime/session/program.h"

namespace jade::repl {

struct Change {
  bool ok = false;
  DefinitionChange what;                      // when ok
  std::vector<std::string> forgotten;         // values that the change has ended, with the reason
  std::vector<diag::Diagnostic> diagnostics;  // why not; when ok, warnings about what is new
};

class Workspace {
 public:
  explicit Workspace(session::LoadOptions options);

  // Declarations in a file of their own.
  Change Define(const source::SourceFilePtr& file);
  // Drops a declaration, a `use` or a value; fails with kNotFound when there is nothing of that name.
  Result<Change> Remove(const std::string& name);
  // Loads the program with other passes or prompts.
  Change Reload(session::LoadOptions options);
  void Clear();
  // Where modules that are not of the standard library are looked for: "" or a path that ends in `/`.
  void SetFolder(std::string folder) { folder_ = std::move(folder); }

  const Definitions& definitions() const { return definitions_; }
  const session::ProgramPtr& program() const { return program_; }
  const types::TypeTable& types() const { return program_->types(); }
  KeptValues& values() { return values_; }
  const KeptValues& values() const { return values_; }

  // Null when the statement has errors, which `sink` then has.
  std::unique_ptr<sema::TypedSnippet> Check(const source::SourceFilePtr& file, diag::Diagnostics& sink) const;

  // A place in the program's own module, as the place where it was typed.
  void Translate(source::SourceFilePtr* file, source::Span* span) const;

 private:
  std::string ModuleName() const { return folder_ + "<repl>"; }
  Change Commit(Definitions definitions, const source::SourceFilePtr& added);

  session::LoadOptions options_;
  std::string folder_;
  Definitions definitions_;
  session::ProgramPtr program_;
  KeptValues values_;
};

}  // namespace jade::repl
