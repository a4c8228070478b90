// The stages `lower` and `passes`: the JIR of a program, verified; or its diagnostics. A file of `passes` names in its
// first line what is run over it: `// passes: fold,dead`.
#include "compiler/ir/printer.h"
#include "compiler/ir/verifier.h"
#include "compiler/lower/lower.h"
#include "compiler/passes/pipeline.h"
#include "compiler/sema/sema.h"
#include "tests/golden/stages.h"

namespace jade::golden {

namespace {

std::string Lowered(const source::SourceFilePtr& file, const passes::PassList& list) {
  diag::Diagnostics sink;
  const sema::ProgramPtr program = sema::CheckProgram(file, {}, sink);
  std::string text;
  if (program->ok) {
    const lower::Lowered lowered = lower::LowerProgram(*program);
    passes::RunPasses(*lowered.module, list, /*verify=*/true);
    const Status verified = ir::Verify(*lowered.module);
    if (!verified.ok()) text += "not valid: " + verified.error().ToString() + "\n";
    text += ir::Print(*lowered.module);
  }
  AppendDiagnostics(text, sink);
  return text;
}

}  // namespace

std::string RunLower(const source::SourceFilePtr& file) {
  return Lowered(file, passes::PlanPasses());
}

std::string RunPasses(const source::SourceFilePtr& file) {
  constexpr std::string_view kMark = "// passes: ";
  const std::string_view line = file->Line(1);
  if (!line.starts_with(kMark)) return "the first line must be `// passes: …`\n";
  const auto list = passes::ParsePasses(line.substr(kMark.size()));
  return list.ok() ? Lowered(file, *list) : list.error().ToString() + "\n";
}

}  // namespace jade::golden
