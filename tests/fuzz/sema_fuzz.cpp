// Any bytes: as a module, and as plans of the standard planners. Nothing may crash, and a plan that is accepted prints.
#include <cstddef>
#include <cstdint>
#include <string>

#include "compiler/sema/plan.h"
#include "compiler/sema/print.h"
#include "compiler/sema/sema.h"

namespace {

jade::sema::Program& Standard() {
  static jade::sema::ProgramPtr program = [] {
    jade::diag::Diagnostics sink;
    auto file = std::make_shared<const jade::source::SourceFile>(
        "fuzz.jade",
        "use std.rag\nplanner Free(question: Query) -> Plan<Query, Answer> {\n  user \"{question}\"\n  emits plan\n"
        "  uses QR, R, DS, AG, QDS\n}\n");
    return jade::sema::CheckProgram(file, {}, sink);
  }();
  return *program;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  jade::sema::CheckOptions options;
  options.read = [](const std::string&) -> jade::Result<std::string> {
    return jade::Error(jade::ErrorCode::kNotFound, "no files here");
  };
  {
    jade::diag::Diagnostics sink;
    auto program =
        jade::sema::CheckProgram(std::make_shared<const jade::source::SourceFile>("fuzz.jade", text), options, sink);
    if (program->ok) (void)jade::sema::Print(*program);
  }
  for (const char* planner : {"MakePlan", "SubPlan", "Free"}) {
    jade::diag::Diagnostics sink;
    auto plan = jade::sema::CheckPlan(Standard(), Standard().Find(planner), text, sink);
    if (plan != nullptr) (void)jade::sema::Print(Standard(), *plan);
  }
  return 0;
}
