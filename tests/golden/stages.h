#pragma once
// The functions behind the golden stages, one file each.

#include <string>

#include "compiler/diag/diagnostic.h"
#include "compiler/source/source.h"

namespace jade::golden {

std::string RunParse(const source::SourceFilePtr& file);  // trees of modules, then diagnostics
std::string RunPlan(const source::SourceFilePtr& file);   // the same for plan text
std::string RunFmt(const source::SourceFilePtr& file);    // formatted text, then diagnostics

std::string RunSema(const source::SourceFilePtr& file);     // what checking found, then diagnostics
std::string RunLower(const source::SourceFilePtr& file);    // JIR
std::string RunPasses(const source::SourceFilePtr& file);   // JIR after the passes that the first line names
std::string RunBounds(const source::SourceFilePtr& file);   // what workflows and planners may spend, then diagnostics
std::string RunCodegen(const source::SourceFilePtr& file);  // LLVM IR of workflows; only with a code generator
std::string RunRun(const source::SourceFilePtr& file);      // what tests and scripted runs give: values, traps, calls

// Diagnostics as every stage appends them: rendered in order of place, after an empty line unless `text` is empty.
void AppendDiagnostics(std::string& text, const diag::Diagnostics& sink);

}  // namespace jade::golden
