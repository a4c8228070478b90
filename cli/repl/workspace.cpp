#include "cli/repl/workspace.h"

#include <fmt/format.h>

#include "compiler/parse/parse.h"
#include "compiler/source/suggest.h"

namespace jade::repl {

Workspace::Workspace(session::LoadOptions options) : options_(std::move(options)) {
  program_ = session::Program::LoadText(ModuleName(), "", options_).program;
  JADE_CHECK(program_ != nullptr, "an empty program has errors");
}

// With no file added, everything the front end says counts.
Change Workspace::Commit(Definitions definitions, const source::SourceFilePtr& added) {
  session::Loaded loaded = session::Program::LoadText(ModuleName(), definitions.text(), options_);
  Change change;
  for (diag::Diagnostic& diagnostic : loaded.diagnostics) {
    definitions.Translate(ModuleName(), &diagnostic);
    const bool warning = diagnostic.severity == diag::Severity::kWarning;
    if (!warning || diagnostic.primary.file == added) change.diagnostics.push_back(std::move(diagnostic));
  }
  if (loaded.program == nullptr) return change;
  change.ok = true;
  change.forgotten = values_.Carry(*program_, loaded.program);
  definitions_ = std::move(definitions);
  program_ = std::move(loaded.program);
  return change;
}

Change Workspace::Define(const source::SourceFilePtr& file) {
  diag::Diagnostics sink;
  const auto module = parse::ParseModule(file, sink);
  if (sink.has_errors()) {
    Change refused;
    refused.diagnostics = sink.Sorted();
    return refused;
  }
  Definitions definitions = definitions_;
  DefinitionChange what = definitions.Add(*module);
  Change change = Commit(std::move(definitions), file);
  if (change.ok) change.what = std::move(what);
  return change;
}

Result<Change> Workspace::Remove(const std::string& name) {
  if (values_.Remove(name)) {
    Change change;
    change.ok = true;
    return change;
  }
  Definitions definitions = definitions_;
  if (!definitions.Remove(name)) {
    std::vector<std::string> names;
    for (const Definitions::Item& item : definitions_.items()) names.push_back(item.name);
    for (const auto& [value, unused] : values_.all()) names.push_back(value);
    return Error(ErrorCode::kNotFound,
                 fmt::format("nothing here is called `{}`{}", name, source::DidYouMean(name, names)));
  }
  return Commit(std::move(definitions), nullptr);
}

Change Workspace::Reload(session::LoadOptions options) {
  std::swap(options_, options);
  Change change = Commit(definitions_, nullptr);
  if (!change.ok) options_ = std::move(options);
  return change;
}

void Workspace::Clear() {
  values_ = {};
  Commit({}, nullptr);
}

std::unique_ptr<sema::TypedSnippet> Workspace::Check(const source::SourceFilePtr& file, diag::Diagnostics& sink) const {
  diag::Diagnostics found;
  auto tree = sema::CheckSnippet(program_->checked(), file, values_.Given(), found);
  for (diag::Diagnostic diagnostic : found.Sorted()) {
    definitions_.Translate(ModuleName(), &diagnostic);
    sink.Add(std::move(diagnostic));
  }
  return tree;
}

void Workspace::Translate(source::SourceFilePtr* file, source::Span* span) const {
  definitions_.Translate(program_->name(), file, span);
}

}  // namespace jade::repl
