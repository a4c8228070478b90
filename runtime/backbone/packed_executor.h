#pragma once
// The executor for the processor: packed weights, blocks of keys and values in one mapping, kernels of its own
// (runtime/kernels) and a team of threads that goes through a step together. Batch-invariant by construction. The plain
// LibTorch executor (torch_executor.h) is what its tests compare with.

#include <memory>
#include <vector>

#include "runtime/backbone/executor.h"
#include "runtime/backbone/model.h"
#include "runtime/kernels/serving_kernels.h"

namespace jade::backbone {

struct ExecutorOptions {
  kernels::Number weights = kernels::Number::kFp32;  // int8 multiplies bf16 activations
  int64_t kv_cache_bytes = int64_t{1} << 30;
  int threads = 1;
  const kernels::ServingTable* kernels = nullptr;  // null: the best of this processor
};

// All policies have the same shape, their heads a multiple of 16 numbers, at most 1024. Their masters must not change
// while the executor lives, but before Refresh. Throws std::bad_alloc.
std::unique_ptr<Executor> MakePackedExecutor(std::vector<std::shared_ptr<Decoder>> policies,
                                             const ExecutorOptions& options);

}  // namespace jade::backbone
