#include "cli/load.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/backbone.h"
#include "cli/retriever.h"
#include "cli/terminal.h"
#include "cli/workbench.h"
#include "compiler/diag/render.h"
#include "runtime/assets/assets.h"

namespace jade::cli {

void ShowDiagnostics(const std::vector<diag::Diagnostic>& diagnostics) {
  if (diagnostics.empty()) return;
  const bool colour = !Style::For(stderr).reset.empty();
  fmt::print(stderr, "{}", diag::RenderText(diagnostics, {.colour = colour}));
  const auto errors = std::count_if(diagnostics.begin(), diagnostics.end(),
                                    [](const auto& d) { return d.severity == diag::Severity::kError; });
  const auto warnings = static_cast<std::ptrdiff_t>(diagnostics.size()) - errors;
  fmt::print(stderr, "\n{} error{}, {} warning{}\n", errors, errors == 1 ? "" : "s", warnings,
             warnings == 1 ? "" : "s");
}

session::ProgramPtr LoadProgram(const std::string& path, const session::LoadOptions& options, int* status) {
  auto loaded = session::Program::LoadFile(path, options);
  if (!loaded.ok()) {
    *status = Fail(loaded.error());
    return nullptr;
  }
  ShowDiagnostics(loaded->diagnostics);
  *status = loaded->program == nullptr ? kInputErrors : kFine;
  return loaded->program;
}

namespace {

Status CheckRun(const session::Program& program, const ProgramToRun& wanted, const Invocation& invocation) {
  if (auto workflow = program.FindWorkflow(wanted.workflow); !workflow.ok()) return workflow.error();
  if (wanted.check) JADE_TRY(wanted.check(program));
  const settings::Backbone& backbone = wanted.settings.backbone;
  const bool here = !backbone.is_script() && !backbone.is_remote();
  if (!here && !NeedsBackbone(wanted.settings.retriever)) return {};
  if (here) {
    if (auto model = assets::FindModel(backbone.model); !model.ok()) return model.error();
  }
  Status entered = EnterBackbone(invocation.arguments);
  if (entered.ok() || !here) return entered;
  return Error(entered.error().code(), entered.error().message() + "; `--replies FILE` runs without a model");
}

}  // namespace

session::ProgramPtr LoadProgramToRun(const ProgramToRun& wanted, const Invocation& invocation, int* status) {
  auto loaded = session::Program::LoadFile(wanted.path, PromptsFor(wanted.settings.backbone));
  if (!loaded.ok()) {
    *status = Fail(loaded.error());
    return nullptr;
  }
  if (loaded->program != nullptr) {
    if (Status checked = CheckRun(*loaded->program, wanted, invocation); !checked.ok()) {
      *status = Fail(checked.error());
      return nullptr;
    }
  }
  ShowDiagnostics(loaded->diagnostics);
  *status = loaded->program == nullptr ? kInputErrors : kFine;
  return loaded->program;
}

}  // namespace jade::cli
