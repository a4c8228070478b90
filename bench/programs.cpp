#include "bench/programs.h"

#include <string>

namespace jade::bench {

Result<session::ProgramPtr> LoadProgram(std::string_view text) {
  const session::Loaded loaded = session::Program::LoadText("bench.jade", std::string(text));
  if (loaded.program != nullptr) return loaded.program;
  return Error(ErrorCode::kCorrupt, loaded.diagnostics.empty() ? "no program" : loaded.diagnostics[0].message);
}

}  // namespace jade::bench
