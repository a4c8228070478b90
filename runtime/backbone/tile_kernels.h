#pragma once
// Matrix products and attention on the processor's matrix tiles (Intel AMX, bf16 with fp32 sums), for training:
// oneDNN's products of these shapes reach a third to two thirds of what tiles can do, and round gradients of weights to
// bf16. Single-threaded, of raw memory; callers divide the work (tile_product.h, packed_attention.cpp). Only where
// ProcessorHasTiles().

#include <cstdint>

namespace jade::backbone {

// Whether this processor has tiles for bf16 and the system lets this process use them; asks for that once.
bool ProcessorHasTiles();

// bf16. Element (i, j) at data[i · stride + j], or, when transposed, at data[j · stride + i].
struct TileOperand {
  const uint16_t* data = nullptr;
  int64_t stride = 0;
  bool transposed = false;
};

// c[rows, columns] = a[rows, depth] · b[depth, columns], or added to what is there.
struct TileProduct {
  TileOperand a, b;
  int64_t rows = 0, columns = 0, depth = 0;
  void* c = nullptr;  // row-major, fp32 or bf16
  int64_t c_stride = 0;
  bool c_half = false;
  bool add = false;  // only to fp32
};

// Columns and depth of a part of b that is packed by itself: it stays in the second cache while rows pass by.
inline constexpr int64_t kTileColumns = 576;
inline constexpr int64_t kTileDepth = 288;
// Most rows of a block.
inline constexpr int64_t kTileRows = 256;

// Elements of b packed whole, and of the scratch of MultiplyTiles.
int64_t PackedTileElements(int64_t columns, int64_t depth);
int64_t TileScratchElements();

// Packs columns [32 · first, 32 · last) of b.
void PackTileColumns(const TileProduct& product, int64_t first, int64_t last, uint16_t* packed);
// Rows [row, row + rows) of the product, at most kTileRows, and columns [column, column + columns), at most
// kTileColumns, both beginning at multiples of 32.
struct TileBlock {
  int64_t row = 0, rows = 0, column = 0, columns = 0;
};
void MultiplyTiles(const TileProduct& product, const uint16_t* packed, const TileBlock& block, uint16_t* scratch);

// Causal attention of one sequence's queries that share one key head, with rotary positions; heads of a multiple of 32
// elements, at most kMostTileHead. Rows are bf16; scores, weights' sums and gradients' sums are fp32.
inline constexpr int64_t kMostTileHead = 256;
struct TileAttention {
  int64_t head_dim = 0;
  int64_t tokens = 0;
  int64_t group = 0;  // query heads that share the key head
  float scale = 1.0f;
  // Token t's query of group member g at q + t · stride + g · head_dim, its key at k + t · stride, value at v + t ·
  // stride.
  const uint16_t *q = nullptr, *k = nullptr, *v = nullptr;
  int64_t stride = 0;
  const float *cos = nullptr, *sin = nullptr;  // [tokens][head_dim / 2]
  uint16_t* out = nullptr;                     // as q, with out_stride
  int64_t out_stride = 0;
  float* log_sum = nullptr;  // [tokens][group] logarithm of the softmax denominators
  // The backward pass reads out and log_sum, and writes the gradients of q, k and v before rotation.
  const uint16_t* d_out = nullptr;                          // as out
  uint16_t *d_q = nullptr, *d_k = nullptr, *d_v = nullptr;  // as q, k and v
};
// Bytes of scratch, aligned to 64, for a sequence of at most `tokens`.
int64_t TileAttentionScratch(int64_t head_dim, int64_t tokens, int64_t group);
int64_t TileAttentionBackwardScratch(int64_t head_dim, int64_t tokens, int64_t group);
void AttendTiles(const TileAttention& task, void* scratch);
void AttendTilesBackward(const TileAttention& task, void* scratch);

}  // namespace jade::backbone
