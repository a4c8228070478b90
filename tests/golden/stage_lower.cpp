// The stage `lower`: the JIR of a program, verified; or its diagnostics.
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"
#include "compiler/lower/lower.h"
#include "compiler/sema/sema.h"
#include "tests/golden/stages.h"

namespace jade::golden {

std::string RunLower(const source::SourceFilePtr& file) {
  diag::Diagnostics sink;
  const sema::ProgramPtr program = sema::CheckProgram(file, {}, sink);
  std::string text;
  if (program->ok) {
    const lower::Lowered lowered = lower::LowerProgram(*program);
    const Status verified = ir::Verify(*lowered.module);
    if (!verified.ok()) text += "not valid: " + verified.error().ToString() + "\n";
    text += ir::Print(*lowered.module);
  }
  AppendDiagnostics(text, sink);
  return text;
}

}  // namespace jade::golden
