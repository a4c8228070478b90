#pragma once
// What `jade bench engine` measures: steps of the executor by batch and context, whole role calls through the engine,
// the machine's own rates beside, and llama.cpp's tools on the same shapes in turn with ours. docs/cli.md says what
// each figure is. One thread; the engine and the tools have threads of their own.

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/engine/llama.h"
#include "bench/engine/role_calls.h"
#include "bench/engine/row.h"
#include "compiler/result/result.h"
#include "runtime/backbone/measured_model.h"
#include "runtime/progress/progress.h"

namespace jade::bench {

struct EngineBenchOptions {
  int repetitions = 5;
  std::vector<int64_t> batches{1, 8, 32};
  std::vector<int64_t> contexts{512};  // of decode; 512 has the plain names, others add `.cN`
  int64_t decode_steps = 32;           // that a sample of decode consists of
  RoleCallShape role_calls;
  int slots = 32;       // calls in one batch, of the engine and of llama.cpp's server
  int questions = 128;  // at once in the plain style
  std::string only;     // measure only rows of the engine whose names begin so; empty: all
  std::string replay;   // an experience store, whose calls are made again; empty: none
  std::optional<LlamaOptions> compare;
  progress::Sink* progress = nullptr;         // may be null
  const std::atomic<bool>* cancel = nullptr;  // ends it as kCancelled when it becomes true; may be null
};

// In a fixed order: machine, engine, llama, ratio, memory.
Result<std::vector<EngineRow>> BenchEngine(backbone::MeasuredModel& model, const EngineBenchOptions& options);

}  // namespace jade::bench
