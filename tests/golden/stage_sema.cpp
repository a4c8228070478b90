// The stage `sema`: what checking found, then diagnostics. A comment line `// plan: TEXT` checks TEXT as a plan of the
// file's planner `P`.
#include "compiler/sema/plan.h"
#include "compiler/sema/print.h"
#include "compiler/sema/sema.h"
#include "tests/golden/stages.h"

namespace jade::golden {

std::string RunSema(const source::SourceFilePtr& file) {
  diag::Diagnostics sink;
  sema::CheckOptions options;
  options.read = [](const std::string& path) -> Result<std::string> {
    if (path.ends_with("broken_disk.jade")) return Error(ErrorCode::kIo, "input/output error");
    if (path.ends_with("shapes.jade"))
      return std::string("record Shape { sides: Int }\nworkflow Square() -> Shape { Shape(4) }\n");
    if (path.ends_with("other.jade")) return std::string("record Shape { corners: Int }\n");
    if (path.ends_with("left.jade")) return std::string("use right\n");
    if (path.ends_with("right.jade")) return std::string("use left\n");
    return Error(ErrorCode::kNotFound, "no such file");
  };
  // A name without folders, so that output does not depend on where the tree stands.
  auto named = std::make_shared<const source::SourceFile>(file->name().substr(file->name().rfind('/') + 1),
                                                          std::string(file->text()));
  sema::ProgramPtr program = sema::CheckProgram(named, options, sink);
  std::string text = program->ok ? sema::Print(*program) : "";
  constexpr std::string_view kPlan = "// plan: ";
  for (uint32_t line = 1; line <= named->line_count(); ++line) {
    std::string_view words = named->Line(line);
    if (!words.starts_with(kPlan) || program->Find("P") == sema::kNone) continue;
    auto plan = sema::CheckPlan(*program, program->Find("P"), std::string(words.substr(kPlan.size())), sink);
    if (plan != nullptr) text += sema::Print(*program, *plan);
  }
  AppendDiagnostics(text, sink);
  return text;
}

}  // namespace jade::golden
