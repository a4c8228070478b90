#pragma once
// `--mode` and `--expose`: what executes a program.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/interp/native.h"

namespace jade::cli {

struct TierChoice {
  std::string mode = "auto";  // auto, jit or interp
  std::string expose;         // gdb or perf; empty: compiled code is shown to nobody
};
void AddTierOptions(CLI::App& command, TierChoice* choice);

// Null for `interp`, and for `auto` in a build without compiled code. Fails with kUnsupported for `jit` in such a
// build.
Result<std::unique_ptr<interp::CodeSource>> MakeCode(const TierChoice& choice);

}  // namespace jade::cli
