#include "runtime/kernels/serving_kernels.h"

#include <cstring>

#include "runtime/kernels/tile_permission.h"

namespace jade::kernels {

uint16_t RoundToBf16(float x) {
  uint32_t bits = 0;
  std::memcpy(&bits, &x, sizeof(bits));
  if ((bits & 0x7fffffffU) > 0x7f800000U) return static_cast<uint16_t>(bits >> 16U | 0x40U);
  return static_cast<uint16_t>((bits + 0x7fffU + (bits >> 16U & 1U)) >> 16U);
}

int AvailableServingTables(const ServingTable* tables[kMostServingTables]) {
  int count = 0;
  tables[count++] = &kServingBaseline;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    tables[count++] = &kServingAvx2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq")) {
      tables[count++] = &kServingAvx512;
      if (__builtin_cpu_supports("avx512bf16")) {
        tables[count++] = &kServingAvx512Bf16;
        if (TilesPermitted()) tables[count++] = &kServingAmx;
      }
    }
  }
#endif
  return count;
}

const ServingTable& BestServingTable() {
  static const ServingTable* const best = [] {
    const ServingTable* tables[kMostServingTables] = {};
    return tables[AvailableServingTables(tables) - 1];
  }();
  return *best;
}

}  // namespace jade::kernels
