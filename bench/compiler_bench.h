#pragma once
// What `jade bench compiler` measures: the front end, plans on their way from text to their first call, the cost of a
// call without a model, the memory of a run that waits. No model, no disk. One thread.

#include <string>
#include <vector>

#include "compiler/result/result.h"

namespace jade::bench {

struct Figure {
  std::string name;  // "plan.fresh.us.p50"; stable
  double value = 0;
  std::string unit;
};

struct CompilerBenchOptions {
  int samples = 3000;            // plans compiled, of each kind
  int runs = 3000;               // of ten calls each
  int suspended_runs = 100'000;  // waiting at once; a tenth and a hundredth of them too
  int front_end_rounds = 15;
};

// In a fixed order. Fails only when a program of the bench does not load, which is a bug.
Result<std::vector<Figure>> BenchCompiler(const CompilerBenchOptions& options);

}  // namespace jade::bench
