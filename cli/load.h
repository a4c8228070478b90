#pragma once
// What commands that take a .jade file share: loading it with its diagnostics shown.

#include <functional>
#include <string>
#include <vector>

#include "cli/command.h"
#include "compiler/diag/diagnostic.h"
#include "runtime/session/program.h"
#include "runtime/settings/settings.h"

namespace jade::cli {

// Diagnostics as text on standard error, coloured on a terminal, then a count.
void ShowDiagnostics(const std::vector<diag::Diagnostic>& diagnostics);

// Null when the file cannot be read or has errors; both have been shown, and *status says how to exit.
session::ProgramPtr LoadProgram(const std::string& path, const session::LoadOptions& options, int* status);

// The same for a command that runs `workflow` as the settings say. When they ask for a model or an encoder, this
// process is one that can run it (cli/backbone.h) afterwards; what is wrong with program, workflow or model is said
// before.
struct ProgramToRun {
  const std::string& path;
  const std::string& workflow;
  const settings::Settings& settings;
  std::function<Status(const session::Program&)> check;  // what else must hold; may be empty
};
session::ProgramPtr LoadProgramToRun(const ProgramToRun& wanted, const Invocation& invocation, int* status);

}  // namespace jade::cli
