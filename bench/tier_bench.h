#pragma once
// Internal to bench: compiled code against the interpreter, and what it costs to make it.

#include <vector>

#include "bench/compiler_bench.h"

namespace jade::bench {

// None in a build without compiled code.
Result<std::vector<Figure>> BenchTiers(const CompilerBenchOptions& options);

}  // namespace jade::bench
