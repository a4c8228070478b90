#pragma once
// What `jade bench plans` measures: memory over ever new plans. Each is written by a planner, compiled, run once and
// pushed out of the plan cache by later ones.

#include <atomic>

#include "bench/compiler_bench.h"
#include "runtime/interp/native.h"
#include "runtime/progress/progress.h"

namespace jade::bench {

struct PlanChurnOptions {
  uint64_t plans = 100'000;                   // after a warm-up that fills the cache
  size_t kept = 1024;                         // capacity of the plan cache
  uint64_t native_every = 0;                  // one in so many plans is entered in machine code; 0: none is
  progress::Sink* progress = nullptr;         // told of each plan; may be null
  const std::atomic<bool>* cancel = nullptr;  // ends it as kCancelled when it becomes true; may be null
};

// Memory of the process and of its heap at five points of the way, and what a plan took. `code` compiles a module when
// it is first entered; null: everything is interpreted.
Result<std::vector<Figure>> BenchPlanChurn(const PlanChurnOptions& options, interp::CodeSource* code);

}  // namespace jade::bench
