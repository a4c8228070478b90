// jade check, jade compile

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/native_text.h"
#include "compiler/ast/print.h"
#include "compiler/bounds/report.h"
#include "compiler/diag/render.h"
#include "compiler/ir/printer.h"
#include "compiler/passes/explain.h"
#include "compiler/passes/pipeline.h"

namespace jade::cli {
namespace {

struct CheckOptions {
  std::vector<std::string> files;
  std::string format = "text";
  bool bounds = false;
};

struct CompileOptions {
  std::string file;
  std::string emit = "jir";
  bool spans = false;
  std::string passes = "default";
  bool explain = false;
  bool unoptimised = false;
};

// What one file says, and with `--bounds` what it may spend.
struct Checked {
  std::vector<diag::Diagnostic> diagnostics;
  std::string bounds_text;
  std::vector<std::string> bounds_json;
};

void AddBounds(const session::Program& program, bool named, Checked& all) {
  const ir::Module& module = *program.module();
  const bounds::Bounds& found = program.bounds();
  diag::Diagnostics sink;
  bounds::ReportEndless(module, found, sink);
  const std::vector<diag::Diagnostic> endless = sink.Sorted();
  all.diagnostics.insert(all.diagnostics.end(), endless.begin(), endless.end());
  if (named) all.bounds_text += fmt::format("{}{}\n", all.bounds_text.empty() ? "" : "\n", program.name());
  all.bounds_text += bounds::ToText(module, found, program.name());
  const std::vector<std::string> rows = bounds::ToJson(module, found, program.name());
  all.bounds_json.insert(all.bounds_json.end(), rows.begin(), rows.end());
}

int Check(const CheckOptions& options) {
  Checked all;
  int status = kFine;
  for (const std::string& file : options.files) {
    auto loaded = session::Program::LoadFile(file);
    if (!loaded.ok()) {
      status = Fail(loaded.error());
      continue;
    }
    if (loaded->program == nullptr) status = kInputErrors;
    all.diagnostics.insert(all.diagnostics.end(), loaded->diagnostics.begin(), loaded->diagnostics.end());
    if (options.bounds && loaded->program != nullptr) AddBounds(*loaded->program, options.files.size() > 1, all);
  }
  const bool wrong = std::any_of(all.diagnostics.begin(), all.diagnostics.end(),
                                 [](const auto& d) { return d.severity == diag::Severity::kError; });
  if (wrong && status == kFine) status = kInputErrors;
  if (options.format == "json") {
    const std::string diagnostics = diag::RenderJson(all.diagnostics);
    if (!options.bounds) {
      fmt::print("{}\n", diagnostics);
    } else {
      fmt::print("{{\"diagnostics\":{},\"bounds\":[{}]}}\n", diagnostics, fmt::join(all.bounds_json, ","));
    }
  } else {
    fmt::print("{}", all.bounds_text);
    ShowDiagnostics(all.diagnostics);
  }
  return status;
}

// Of the file's own workflows, as they are before the overlap pass.
int ExplainOverlap(const std::string& file) {
  int status = kFine;
  const auto passes = passes::ParsePasses("inline,maps,fold,segments,dead");
  const auto program = LoadProgram(file, {.replace = {}, .passes = &*passes}, &status);
  if (program == nullptr) return status;
  const ir::Module& module = *program->module();
  std::string text;
  for (uint32_t i = 0; i < module.function_count(); ++i) {
    const ir::Function& function = module.function(ir::FunctionId{i});
    const bool own = function.file != ir::kInvalidIndex && module.file(function.file)->name() == program->name();
    if (own && function.kind == ir::FunctionKind::kWorkflow) text += passes::Explain(module, function);
  }
  if (text.empty()) text = fmt::format("no workflow of `{}` makes calls\n", file);
  for (uint32_t i = 0; i < module.callee_count(); ++i) text += passes::ExplainPrompt(module, module.callee({i}));
  fmt::print("{}", text);
  return kFine;
}

int Compile(const CompileOptions& options) {
  if (options.explain) return ExplainOverlap(options.file);
  int status = kFine;
  const auto passes = passes::ParsePasses(options.passes);
  if (!passes.ok()) {
    Fail(passes.error());
    return kUsage;
  }
  const auto program = LoadProgram(options.file, {.replace = {}, .passes = &*passes}, &status);
  if (program == nullptr) return status;
  if (options.emit == "ast") {
    fmt::print("{}", ast::Print(*program->checked().root().tree, {.spans = options.spans}));
  } else if (options.emit == "jir") {
    fmt::print("{}", ir::Print(*program->module(), {.spans = options.spans}));
  } else {
    NativeTextOptions native;
    native.form = options.emit == "asm" ? NativeForm::kAssembly : NativeForm::kLlvm;
    native.optimise = !options.unoptimised;
    native.debug = options.spans;
    const Result<std::string> text = NativeText(*program->module(), {}, native);
    if (!text.ok()) return Fail(text.error());
    fmt::print("{}", *text);
  }
  return kFine;
}

}  // namespace

void AddCheckCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* check = app.add_subcommand("check", "Report what is wrong with .jade files");
  check->footer(
      "Examples:\n  jade check workflows/*.jade\n  jade check solve.jade --format json | jq '.[].code'\n"
      "  jade check solve.jade --bounds");
  check->add_option("FILE", options->files, ".jade files")->required();
  check->add_option("--format", options->format, "how to print diagnostics")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  check->add_flag("--bounds", options->bounds,
                  "show the most calls, retrievals, tokens and depth of each workflow and plan; a workflow that cannot "
                  "return is an error");
  check->callback([options, &invocation] { invocation.action = [options] { return Check(*options); }; });
}

void AddCompileCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<CompileOptions>();
  CLI::App* compile = app.add_subcommand("compile", "Print what a .jade file becomes");
  compile->footer(
      "Examples:\n  jade compile workflows/jade.jade --emit jir\n  jade compile solve.jade --emit ast --spans\n"
      "  jade compile solve.jade --passes maps,fold\n"
      "  jade compile solve.jade --emit llvm\n"
      "  jade compile workflows/jade.jade --explain");
  compile->add_option("FILE", options->file, ".jade file")->required();
  CLI::Option* emit = compile->add_option("--emit", options->emit, "which form")
                          ->check(CLI::IsMember({"ast", "jir", "llvm", "asm"}))
                          ->capture_default_str();
  compile->add_flag("--spans", options->spans, "with byte ranges; llvm and asm: with lines of the source");
  compile->add_flag("--unoptimised", options->unoptimised, "llvm and asm: as the code generator made it");
  std::string names;
  for (const passes::Pass& pass : passes::AllPasses()) names += fmt::format("{} ({}), ", pass.name, pass.summary);
  CLI::Option* passes = compile
                            ->add_option("--passes", options->passes,
                                         "what is done to the JIR, in order: " + names + "default (all) or none")
                            ->capture_default_str();
  compile
      ->add_flag("--explain", options->explain,
                 "say which calls overlap, what the others wait for, and how much of each prompt is static")
      ->excludes(emit)
      ->excludes(passes);
  compile->callback([options, &invocation] { invocation.action = [options] { return Compile(*options); }; });
}

}  // namespace jade::cli
