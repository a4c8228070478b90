#pragma once
// `--mode`: what executes a program.

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/interp/native.h"

namespace jade::cli {

// auto, jit or interp.
void AddModeOption(CLI::App& command, std::string* mode);

// Null for `interp`, and for `auto` in a build without compiled code. Fails with kUnsupported for `jit` in such a
// build.
Result<std::unique_ptr<interp::CodeSource>> MakeCode(const std::string& mode);

}  // namespace jade::cli
