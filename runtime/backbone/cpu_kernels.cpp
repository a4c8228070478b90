#include "runtime/backbone/cpu_kernels.h"

namespace jade::backbone {

namespace {
int64_t PaddedKeys(int64_t keys) {
  return (keys + kBlockTokens - 1) / kBlockTokens * kBlockTokens;
}
}  // namespace

int64_t AttentionScratch(int64_t head_dim, int64_t keys) {
  return kAttentionChunkRows * (2 * head_dim + PaddedKeys(keys));
}
int64_t AttentionBackwardScratch(int64_t head_dim, int64_t keys) {
  return kAttentionChunkRows * (3 * head_dim + 2 * PaddedKeys(keys));
}

int AvailableKernels(const KernelTable* tables[3]) {
  int count = 0;
  tables[count++] = &kBaselineKernels;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    tables[count++] = &kAvx2Kernels;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) tables[count++] = &kAvx512Kernels;
  }
#endif
  return count;
}

const KernelTable& CpuKernels() {
  static const KernelTable* const best = [] {
    const KernelTable* tables[3] = {};
    return tables[AvailableKernels(tables) - 1];
  }();
  return *best;
}

bool ProcessorMultipliesBf16() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512bf16");
#else
  return false;
#endif
}

}  // namespace jade::backbone
