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
#ifdef JADE_HAS_TILES
    case Number::kBf16:
      return LinearTiles(task, first, last);
    case Number::kInt8:
      return LinearTilesInt8(task, first, last);
#else
    case Number::kBf16:
      return LinearOf<Number::kBf16>(task, first, last);
    case Number::kInt8:
      return LinearOf<Number::kInt8>(task, first, last);
#endif
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

// One token's number of a row of words, which the other token of a pair shares.
inline void WriteHalves(const uint16_t* halves, uint32_t* words, bool upper, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) {
    const WordVec half = __builtin_convertvector(*reinterpret_cast<const UnalignedHalfVec*>(halves + i), WordVec);
    UnalignedWordVec* to = reinterpret_cast<UnalignedWordVec*>(words + i);  // `auto` would forget the alignment
    // When the lower is written the upper is not there yet: what a former sequence left may be anything, and is
    // multiplied with 0.
    WordVec word = half;
    if (upper) {
      const WordVec lower = *to;
      word = (lower & 0xffffU) | half << 16;
    }
    *to = word;
  }
}

void WriteKeyValue(const float* key, const float* value, char* block, int64_t slot, Number number, int64_t head_dim) {
  typedef uint32_t Word __attribute__((may_alias));
  auto* keys = reinterpret_cast<Word*>(block);
  const int64_t words = head_dim * NumberBytes(number) / 4;
  alignas(64) uint32_t converted[kMostHeadDim];
  Convert(key, converted, number, head_dim);
  for (int64_t w = 0; w < words; ++w) keys[w * kKvTokens + slot] = converted[w];
  Word* values = keys + words * kKvTokens;
  if (number == Number::kFp32) return Convert(value, values + slot * head_dim, number, head_dim);
  Convert(value, converted, number, head_dim);
  WriteHalves(reinterpret_cast<const uint16_t*>(converted), reinterpret_cast<uint32_t*>(values + slot / 2 * head_dim),
              slot % 2 == 1, head_dim);
}

}  // namespace
}  // namespace JADE_KERNEL_NAMESPACE

const ServingTable JADE_SERVING_TABLE = {
    .name = JADE_KERNEL_NAME,
#ifdef JADE_HAS_TILES
    .bf16_tile_queries = kMostTileQueries,
    .row_block = 256,
#else
    .bf16_tile_queries = kVectorTileQueries,
    .row_block = 96,
#endif
    .linear = JADE_KERNEL_NAMESPACE::Linear,
    .rms_norm = JADE_KERNEL_NAMESPACE::RmsNorm,
    .attention = JADE_KERNEL_NAMESPACE::Attention,
    .finish_attention = JADE_KERNEL_NAMESPACE::FinishAttention,
    .rotate = JADE_KERNEL_NAMESPACE::Rotate,
    .convert = JADE_KERNEL_NAMESPACE::Convert,
    .write_key_value = JADE_KERNEL_NAMESPACE::WriteKeyValue,
};

}  // namespace jade::kernels
