// Commands that show what the program is.

#include <fmt/format.h>

#include <algorithm>

#include "cli/native_text.h"
#include "cli/repl/commands.h"
#include "compiler/bounds/report.h"
#include "compiler/ir/printer.h"
#include "compiler/source/suggest.h"

namespace jade::repl {
namespace {

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

std::string DeclarationText(const sema::Declaration& declaration, const types::TypeTable& types) {
  const std::string kind(ast::DeclKindName(declaration.kind));
  if (declaration.kind == ast::DeclKind::kParam) {
    return fmt::format("{} {}: {}", kind, declaration.name, types.Name(declaration.signature.result));
  }
  return fmt::format("{} {}{}", kind, declaration.name, types::SignatureText(declaration.signature, types));
}

// What a name declares; empty when it declares nothing.
std::string DeclaredAs(const session::Program& program, std::string_view name) {
  const sema::Program& checked = program.checked();
  if (const uint32_t index = checked.Find(name); index != sema::kNone) {
    return DeclarationText(checked.declarations[index], program.types());
  }
  const auto& types = checked.root().types;
  const auto type = types.find(name);
  return type == types.end() ? "" : program.types().Describe(type->second);
}

// A function by name, or a report.
ir::FunctionId FindFunction(Context& context, std::string_view name) {
  const ir::Module& module = *context.workspace.program()->module();
  const ir::FunctionId found = module.FindFunction(name);
  if (found.valid()) return found;
  std::vector<std::string> names;
  for (uint32_t i = 0; i < module.function_count(); ++i) names.push_back(module.function({i}).name);
  context.console.Wrong(fmt::format("there is no function `{}`{}", name, source::DidYouMean(name, names)));
  return {};
}

void NativeCommand(Context& context, std::string_view name, cli::NativeForm form) {
  const ir::FunctionId function = FindFunction(context, name);
  if (!function.valid()) return;
  cli::NativeTextOptions options;
  options.form = form;
  const auto text = cli::NativeText(*context.workspace.program()->module(), {&function, 1}, options);
  if (!text.ok()) {
    context.console.Wrong(text.error().ToString());
    return;
  }
  context.console.Result(*text);
}

// The part of a report about one name, and what its unknowns stand for.
std::string ReportOn(const std::string& report, std::string_view name) {
  std::string text;
  std::string explained;
  bool inside = false;
  bool where = false;
  for (std::string_view rest = report; !rest.empty();) {
    const size_t end = rest.find('\n') + 1;
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end);
    if (!line.starts_with(' ')) {
      inside = line == fmt::format("workflow {}\n", name) || line == fmt::format("plan by {}\n", name);
      where = line == "where\n";
    } else if (where && text.find(line.substr(2, line.find(' ', 2) - 2)) != std::string::npos) {
      explained += line;
    }
    if (inside) text += line;
  }
  return explained.empty() ? text : text + "where\n" + explained;
}

}  // namespace

void TypeCommand(Context& context, std::string_view argument) {
  const session::Program& program = *context.workspace.program();
  if (IsName(argument) && context.workspace.values().Find(std::string(argument)) == nullptr) {
    if (const std::string declared = DeclaredAs(program, argument); !declared.empty()) {
      context.console.Result(declared);
      return;
    }
  }
  diag::Diagnostics sink;
  const auto tree = context.workspace.Check(InputFile(context, std::string(argument)), sink);
  context.console.Diagnostics(sink.all());
  if (tree == nullptr) return;
  for (const sema::TypedStatement& statement : tree->statements) {
    const std::string name = statement.name.empty() ? "" : statement.name + ": ";
    context.console.Result(name + program.types().Name(statement.type));
  }
}

void JirCommand(Context& context, std::string_view argument) {
  const ir::Module& module = *context.workspace.program()->module();
  if (argument.empty()) {
    context.console.Result(ir::Print(module));
    return;
  }
  // A role has a function for each of its clauses.
  std::string text;
  for (uint32_t i = 0; i < module.function_count(); ++i) {
    const ir::Function& function = module.function(ir::FunctionId{i});
    const bool clause = function.name.starts_with(std::string(argument) + ".");
    if (function.name != argument && !clause) continue;
    text += (text.empty() ? "" : "\n") + ir::PrintFunction(module, function);
  }
  if (!text.empty()) {
    context.console.Result(text);
  } else {
    FindFunction(context, argument);
  }
}

void LlvmCommand(Context& context, std::string_view argument) {
  NativeCommand(context, argument, cli::NativeForm::kLlvm);
}

void AssemblyCommand(Context& context, std::string_view argument) {
  NativeCommand(context, argument, cli::NativeForm::kAssembly);
}

void BoundsCommand(Context& context, std::string_view argument) {
  const session::Program& program = *context.workspace.program();
  const ir::Module& module = *program.module();
  diag::Diagnostics endless;
  bounds::ReportEndless(module, program.bounds(), endless);
  std::vector<diag::Diagnostic> found = endless.Sorted();
  for (diag::Diagnostic& diagnostic : found) {
    context.workspace.definitions().Translate(program.name(), &diagnostic);
  }
  context.console.Diagnostics(found);
  std::string file = program.name();
  if (!argument.empty()) {
    const bool planner = module.FindCallee(argument).valid();
    const ir::FunctionId function = planner ? ir::FunctionId{} : FindFunction(context, argument);
    if (!planner && !function.valid()) return;
    if (!planner) file = module.file(module.function(function).file)->name();
  }
  std::string text = bounds::ToText(module, program.bounds(), file);
  if (!argument.empty()) text = ReportOn(text, argument);
  context.console.Result(text.empty() ? "nothing here makes calls" : text);
}

void ListCommand(Context& context, std::string_view /*argument*/) {
  const Workspace& workspace = context.workspace;
  std::string text;
  for (const std::string& use : workspace.definitions().Uses()) text += use + "\n";
  for (const Definitions::Item& item : workspace.definitions().items()) {
    const std::string declared = item.kind == ast::DeclKind::kTest ? "" : DeclaredAs(*workspace.program(), item.name);
    text += (declared.empty() ? DescribeItem(item) : declared) + "\n";
  }
  for (const auto& [name, kept] : workspace.values().all()) {
    text += fmt::format("{}: {}\n", name, workspace.types().Name(kept.type));
  }
  context.console.Result(text.empty() ? "nothing is defined" : text);
}

}  // namespace jade::repl
