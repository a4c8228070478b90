// The kernels of serving_kernels.h, included once for each instruction set with JADE_KERNEL_NAMESPACE,
// JADE_SERVING_TABLE, JADE_KERNEL_NAME and JADE_VECTOR_BYTES set, JADE_HAS_BF16_DOT where vdpbf16ps is there, and
// JADE_HAS_TILES where tdpbf16ps is too.
#if JADE_VECTOR_BYTES >= 32
#include <immintrin.h>
#endif

#include "runtime/kernels/serving_kernels.h"

namespace jade::kernels {
namespace JADE_KERNEL_NAMESPACE {
namespace {

// Each uses what the ones before it define.
// clang-format off
#include "runtime/kernels/simd_impl.h"
#include "runtime/kernels/serving_simd_impl.h"
#include "runtime/kernels/serving_linear_impl.h"
#include "runtime/kernels/serving_attention_impl.h"
#ifdef JADE_HAS_TILES
#include "runtime/kernels/serving_tiles_impl.h"
#include "runtime/kernels/serving_tile_linear_impl.h"
#include "runtime/kernels/serving_tile_attention_impl.h"
#endif
// clang-format on

void Linear(const LinearTask& task, int64_t first, int64_t last) {
  switch (task.weights) {
    case Number::kFp32:
      return LinearOf<Number::kFp32>(task, first, last);
    case Number::kBf16:
#ifdef JADE_HAS_TILES
      return LinearTiles(task, first, last);
#else
      return LinearOf<Number::kBf16>(task, first, last);
#endif
    case Number::kInt8:
      return LinearOf<Number::kInt8>(task, first, last);
  }
}

void Attention(const AttentionTile& tile) {
  if (tile.number == Number::kFp32) return AttentionByRows<Number::kFp32>(tile);
#ifdef JADE_HAS_TILES
  AttentionInTiles(tile);
#else
  AttentionByRows<Number::kBf16>(tile);
#endif
}

void RmsNorm(const float* x, const float* weight, void* y, Number number, int64_t width, float eps) {
  const float inverse = 1.0f / __builtin_sqrtf(Dot(x, x, width) / static_cast<float>(width) + eps);
  float row[kLanes];
  char* to = static_cast<char*>(y);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    const Vec v = Load(x + i) * inverse * Load(weight + i);
    if (number == Number::kBf16) {
      StoreBf16(reinterpret_cast<uint16_t*>(to) + i, v);
    } else {
      Store(reinterpret_cast<float*>(to) + i, v);
    }
  }
  if (i == width) return;
  StorePart(row, LoadPart(x + i, width - i) * inverse * LoadPart(weight + i, width - i), width - i);
  Convert(row, to + i * NumberBytes(number), number, width - i);
}

void Rotate(const float* x, const float* cos, const float* sin, float* y, int64_t head_dim) {
  const int64_t half = head_dim / 2;
  for (int64_t i = 0; i < half; ++i) {
    const float first = x[i], second = x[i + half];
    y[i] = first * cos[i] - second * sin[i];
    y[i + half] = second * cos[i] + first * sin[i];
  }
}

}  // namespace
}  // namespace JADE_KERNEL_NAMESPACE

const ServingTable JADE_SERVING_TABLE = {
    .name = JADE_KERNEL_NAME,
#ifdef JADE_HAS_TILES
    .bf16_tile_queries = kMostTileQueries,
#else
    .bf16_tile_queries = kVectorTileQueries,
#endif
    .linear = JADE_KERNEL_NAMESPACE::Linear,
    .rms_norm = JADE_KERNEL_NAMESPACE::RmsNorm,
    .attention = JADE_KERNEL_NAMESPACE::Attention,
    .finish_attention = JADE_KERNEL_NAMESPACE::FinishAttention,
    .rotate = JADE_KERNEL_NAMESPACE::Rotate,
    .convert = JADE_KERNEL_NAMESPACE::Convert,
};

}  // namespace jade::kernels
