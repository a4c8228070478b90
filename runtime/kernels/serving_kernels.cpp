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

namespace {

void WriteBf16(const float* key, const float* value, uint16_t* keys, int64_t slot, int64_t head_dim) {
  for (int64_t d = 0; d < head_dim; ++d) keys[(d / 2 * kKvTokens + slot) * 2 + d % 2] = RoundToBf16(key[d]);
  uint16_t* values = keys + kKvTokens * head_dim + slot / 2 * head_dim * 2;
  for (int64_t d = 0; d < head_dim; ++d) {
    values[2 * d + slot % 2] = RoundToBf16(value[d]);
    // The word's other token is not there yet: what a former sequence left may be anything, and is multiplied with 0.
    if (slot % 2 == 0) values[2 * d + 1] = 0;
  }
}

}  // namespace

void WriteKeyValue(const float* key, const float* value, char* block, int64_t slot, Number number, int64_t head_dim) {
  if (number != Number::kFp32) return WriteBf16(key, value, reinterpret_cast<uint16_t*>(block), slot, head_dim);
  auto* keys = reinterpret_cast<float*>(block);
  for (int64_t d = 0; d < head_dim; ++d) keys[d * kKvTokens + slot] = key[d];
  std::memcpy(keys + (kKvTokens + slot) * head_dim, value, static_cast<size_t>(head_dim) * sizeof(float));
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
