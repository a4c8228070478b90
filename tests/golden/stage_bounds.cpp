// The stage `bounds`: what the workflows of a file, and the planners it uses, may spend; then diagnostics.
#include "compiler/bounds/report.h"
#include "compiler/lower/lower.h"
#include "compiler/passes/pipeline.h"
#include "compiler/sema/sema.h"
#include "tests/golden/stages.h"

namespace jade::golden {

std::string RunBounds(const source::SourceFilePtr& file) {
  diag::Diagnostics sink;
  const sema::ProgramPtr program = sema::CheckProgram(file, {}, sink);
  std::string text;
  if (program->ok) {
    const lower::Lowered lowered = lower::LowerProgram(*program);
    passes::RunPasses(*lowered.module, passes::ProgramPasses());
    const bounds::Bounds found(*lowered.module);
    text = bounds::ToText(*lowered.module, found, file->name());
    bounds::ReportEndless(*lowered.module, found, sink);
  }
  AppendDiagnostics(text, sink);
  return text;
}

}  // namespace jade::golden
