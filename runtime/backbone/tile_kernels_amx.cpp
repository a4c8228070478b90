#include "runtime/backbone/tile_kernels.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

#include <cpuid.h>
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace jade::backbone {
namespace {

#include "runtime/backbone/tile_impl.h"

// The depth in parts of about the same length.
struct Parts {
  explicit Parts(int64_t depth)
      : count(Tiles(depth, kTileDepth)), length(Tiles(Tiles(depth, count), kPairs) * kPairs) {}
  int64_t End(int64_t part, int64_t depth) const {
    const int64_t end = (part + 1) * length;
    return end < depth ? end : depth;
  }
  int64_t count, length;
};

// 32 × 32 sums, of which `rows` × `columns` count, to (row, column) of the result.
void WriteSums(const TileProduct& p, const float* sums, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  const uint32_t mask = columns >= kPanel ? 0xffffffffU : (1U << columns) - 1;
  const auto low = static_cast<__mmask16>(mask), high = static_cast<__mmask16>(mask >> 16);
  for (int64_t i = 0; i < rows && i < kPanel; ++i, sums += kPanel) {
    const __m512 left = _mm512_loadu_ps(sums), right = _mm512_loadu_ps(sums + kSide);
    const int64_t at = (row + i) * p.c_stride + column;
    if (p.c_half) {
      const __m512i both = _mm512_inserti64x4(_mm512_castsi256_si512(RoundedToHalf(left)), RoundedToHalf(right), 1);
      _mm512_mask_storeu_epi16(static_cast<uint16_t*>(p.c) + at, mask, both);
    } else {
      float* to = static_cast<float*>(p.c) + at;
      const __m512 old = p.add ? _mm512_maskz_loadu_ps(low, to) : _mm512_setzero_ps();
      const __m512 old_right = p.add ? _mm512_maskz_loadu_ps(high, to + kSide) : _mm512_setzero_ps();
      _mm512_mask_storeu_ps(to, low, _mm512_add_ps(left, old));
      _mm512_mask_storeu_ps(to + kSide, high, _mm512_add_ps(right, old_right));
    }
  }
}

bool AskForTiles() {
  constexpr unsigned kRequestPermission = 0x1023;
  constexpr unsigned kTileData = 18;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  const bool tiles = (d & (1U << 24)) != 0 && (d & (1U << 22)) != 0;  // AMX-TILE, AMX-BF16
  __builtin_cpu_init();
  const bool vectors = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return tiles && vectors && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

}  // namespace

bool ProcessorHasTiles() {
  static const bool has = AskForTiles();
  return has;
}

int64_t PackedTileElements(int64_t columns, int64_t depth) {
  return Tiles(columns, kPanel) * 2 * Tiles(depth, kPairs) * kElements;
}

int64_t TileScratchElements() {
  return 2 * kTileRows * kTileColumns + kPanel * kTileDepth;
}

// Packed: parts of the depth one after the other; in each, columns of tiles.
void PackTileColumns(const TileProduct& p, int64_t first, int64_t last, uint16_t* packed) {
  const int64_t all_columns = Tiles(p.columns, kPanel) * 2;
  const Parts parts(p.depth);
  for (int64_t part = 0; part < parts.count; ++part) {
    const int64_t begin = part * parts.length, end = parts.End(part, p.depth);
    const int64_t tiles = Tiles(end - begin, kPairs);
    for (int64_t j = 2 * first; j < 2 * last; ++j) {
      uint16_t* to = packed + (j / 2 * 2 * tiles + j % 2) * kElements;
      for (int64_t k = 0; k < tiles; ++k, to += 2 * kElements) {
        PackRight(p.b, begin + k * kPairs, end, j * kSide, p.columns, to);
      }
    }
    packed += all_columns * tiles * kElements;
  }
}

void MultiplyTiles(const TileProduct& p, const uint16_t* packed, const TileBlock& block, uint16_t* scratch) {
  const TilesInUse in_use;
  uint16_t* left = scratch + 2 * kTileRows * kTileColumns;
  auto* sums = reinterpret_cast<float*>(scratch);  // 32 × 32 one after the other
  const int64_t all_columns = Tiles(p.columns, kPanel) * 2;
  const int64_t row_panels = Tiles(block.rows, kPanel), column_panels = Tiles(block.columns, kPanel);
  const Parts parts(p.depth);
  for (int64_t part = 0; part < parts.count; ++part) {
    const int64_t begin = part * parts.length, end = parts.End(part, p.depth);
    const int64_t tiles = Tiles(end - begin, kPairs), step = tiles * kElements;
    const bool last = part + 1 == parts.count;
    for (int64_t i = 0; i < row_panels; ++i) {
      const int64_t row = i * kPanel;
      for (int64_t half = 0; half < 2; ++half) {
        for (int64_t k = 0; k < tiles; ++k) {
          PackLeft(p.a, block.row + row + half * kSide, block.row + block.rows, begin + k * kPairs, end,
                   left + (2 * k + half) * kElements);
        }
      }
      const uint16_t* right = packed + block.column / kSide * step;
      for (int64_t j = 0; j < column_panels; ++j, right += 2 * step) {
        float* sum = sums + (parts.count == 1 ? 0 : (i * column_panels + j) * kPanel * kPanel);
        MultiplyPanels(left, right, tiles, sum, part > 0);
        if (last)
          WriteSums(p, sum, block.row + row, block.rows - row, block.column + j * kPanel, block.columns - j * kPanel);
      }
    }
    packed += all_columns * step;
  }
}

}  // namespace jade::backbone

#else

#include "compiler/result/check.h"

namespace jade::backbone {

bool ProcessorHasTiles() {
  return false;
}
int64_t PackedTileElements(int64_t, int64_t) {
  return 0;
}
int64_t TileScratchElements() {
  return 0;
}
void PackTileColumns(const TileProduct&, int64_t, int64_t, uint16_t*) {
  JADE_CHECK(false, "this processor has no tiles");
}
void MultiplyTiles(const TileProduct&, const uint16_t*, const TileBlock&, uint16_t*) {
  JADE_CHECK(false, "this processor has no tiles");
}

}  // namespace jade::backbone

#endif
