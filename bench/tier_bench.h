#pragma once
// Internal to bench: compiled code against the interpreter, and what it costs to make it.

#include <memory>
#include <vector>

#include "bench/compiler_bench.h"
#include "runtime/interp/native.h"

namespace jade::bench {

// What compiling costs, and what it saves. None in a build without compiled code.
Result<std::vector<Figure>> BenchTiers();

// Compiles what is entered, at once; null in such a build.
Result<std::unique_ptr<interp::CodeSource>> MakeCompiledCode();

}  // namespace jade::bench
