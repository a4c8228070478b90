#pragma once
// What commands that take a .jade file share: loading it with its diagnostics shown.

#include <string>
#include <vector>

#include "cli/command.h"
#include "compiler/diag/diagnostic.h"
#include "runtime/session/program.h"

namespace jade::cli {

// Diagnostics as text on standard error, coloured on a terminal, then a count.
void ShowDiagnostics(const std::vector<diag::Diagnostic>& diagnostics);

// Null when the file cannot be read or has errors; both have been shown, and *status says how to exit.
session::ProgramPtr LoadProgram(const std::string& path, const session::LoadOptions& options, int* status);

}  // namespace jade::cli
