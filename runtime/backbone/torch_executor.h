#pragma once
// The executor in plain LibTorch, for any device: what serves on CUDA, and what the tests compare the processor's own
// executor with. Keys and values lie in one tensor that the budget sizes; a step gathers those of each sequence.

#include <cstdint>
#include <memory>
#include <vector>

#include "runtime/backbone/executor.h"
#include "runtime/backbone/model.h"

namespace jade::backbone {

struct TorchExecutorOptions {
  at::ScalarType dtype = at::kFloat;  // kFloat or kBFloat16
  int64_t kv_cache_bytes = int64_t{1} << 30;
  int threads = 1;
};

// All policies are on one device and have the same vocabulary, layers and heads. Their masters must not change while
// the executor lives, but before Refresh. Throws what LibTorch throws, when there is no memory for instance. Made and
// used on one thread, whose number of LibTorch threads it sets.
std::unique_ptr<Executor> MakeTorchExecutor(std::vector<std::shared_ptr<Decoder>> policies,
                                            const TorchExecutorOptions& options);

}  // namespace jade::backbone
