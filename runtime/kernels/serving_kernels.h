#pragma once
// The kernels of a serving step on the processor: matrix products with packed weights, attention over blocks of keys
// and values, and the row operations between them. One source (serving_*_impl.h) is compiled for several instruction
// sets; AvailableServingTables() lists those this processor has. All are single-threaded and write only what they are
// given.
//
// Every result is computed in one fixed order whatever else is in the task: a row of a product does not depend on the
// rows beside it, a query's attention not on the queries beside it. So a reply is the same bit for bit alone and in any
// batch, on one instruction set.
//
// Numbers go through the kernels as 32-bit words: one fp32 number, or two bf16 numbers that lie next to each other
// along the dimension that is summed over (the lower half first). Sums are fp32.

#include <cstdint>

namespace jade::kernels {

// Columns of a packed panel. A panel is [words of the depth][32 columns][one word], columns padded with zeros, and
// words to a multiple of 16; for int8 [words][32][2 numbers].
inline constexpr int64_t kPanelColumns = 32;
inline constexpr int64_t kPanelWordUnit = 16;
inline constexpr int64_t PanelWords(int64_t words) {
  return (words + kPanelWordUnit - 1) / kPanelWordUnit * kPanelWordUnit;
}
// Tokens of a block of keys and values.
inline constexpr int64_t kKvTokens = 16;
// Keys whose scores are computed and normalised at a time; always the same keys, counted from the sequence's start.
inline constexpr int64_t kKeyChunk = 64;
// Most query rows of an attention tile, of any table; and of the tables that keep its sums in vectors.
inline constexpr int64_t kMostTileQueries = 16;
inline constexpr int64_t kVectorTileQueries = 6;
// Most numbers of a head; always a multiple of 16.
inline constexpr int64_t kMostHeadDim = 1024;

enum class Number : uint8_t { kFp32, kBf16, kInt8 };
inline int64_t NumberBytes(Number n) {
  return n == Number::kFp32 ? 4 : n == Number::kBf16 ? 2 : 1;
}

enum class Epilogue : uint8_t {
  kStore,   // y = x·Wᵀ + bias
  kAdd,     // y += x·Wᵀ + bias
  kSwiGlu,  // the panel's first 16 columns are gates, the others the values they gate: half as many outputs, in the
            // numbers of the activations
};

// Rows of activations times panels of weights.
struct LinearTask {
  const void* x = nullptr;  // [rows][words]
  int64_t rows = 0;
  int64_t words = 0;  // of the depth
  Number weights = Number::kFp32;
  const void* panels = nullptr;  // panel 0 of the matrix
  const float* scale = nullptr;  // [columns, padded], int8 only
  const float* bias = nullptr;   // [columns, padded] or null
  Epilogue epilogue = Epilogue::kStore;
  void* y = nullptr;     // kStore, kAdd: fp32 [rows][y_stride]; kSwiGlu: words
  int64_t y_stride = 0;  // in numbers
  int64_t columns = 0;   // of the matrix, without padding
};

// Where a tile of attention left off: of each row the highest score, the sum of weights, and the weighted values.
struct AttentionState {
  float highest[kMostTileQueries];
  float sum[kMostTileQueries];
};

// Query rows of one key head, as many as the table's TileQueries at most, over a run of chunks of the same blocks. Row
// r sees the keys below limit[r]. Chunks [first_chunk, last_chunk).
struct AttentionTile {
  int64_t head_dim = 0;
  Number number = Number::kFp32;  // kFp32 or kBf16
  int64_t rows = 0;
  const void* q[kMostTileQueries] = {};  // [head_dim] numbers
  float* out[kMostTileQueries] = {};     // [head_dim] weighted values so far, kept between runs
  int64_t limit[kMostTileQueries] = {};
  AttentionState* state = nullptr;
  const int32_t* blocks = nullptr;  // of the sequence, from its start
  const char* storage = nullptr;    // block b of this layer and head at storage + b·block_stride: keys, then values
  int64_t block_stride = 0;         // bytes
  float scale = 1.0f;
  int64_t first_chunk = 0, last_chunk = 0;
};

struct ServingTable {
  const char* name;
  int64_t bf16_tile_queries;  // most query rows of a tile over bf16 keys
  int64_t row_block;          // rows that had best go through some panels while these are in the cache
  // Panels [first, last).
  void (*linear)(const LinearTask& task, int64_t first, int64_t last);
  // y = x / sqrt(mean(x²) + eps) · weight, as numbers of `number`.
  void (*rms_norm)(const float* x, const float* weight, void* y, Number number, int64_t width, float eps);
  // Clears a state and its rows of values; then runs of chunks in ascending order; then Finish.
  void (*attention)(const AttentionTile& tile);
  // out[head_dim] / sum as numbers of `number`.
  void (*finish_attention)(const float* values, float sum, void* out, Number number, int64_t head_dim);
  // Rotates a head by an angle for each pair (i, i + half): cos, sin [head_dim / 2]. y may be x.
  void (*rotate)(const float* x, const float* cos, const float* sin, float* y, int64_t head_dim);
  void (*convert)(const float* x, void* y, Number number, int64_t width);
  // Writes one token's key and value (fp32 [head_dim] each) into a slot of a block of one head: keys are [words of the
  // head][16 tokens], values behind them [words of the tokens][head_dim].
  void (*write_key_value)(const float* key, const float* value, char* block, int64_t slot, Number number,
                          int64_t head_dim);

  // Most query rows of an attention tile.
  int64_t TileQueries(Number number) const { return number == Number::kFp32 ? kVectorTileQueries : bf16_tile_queries; }
};

// Nearest bf16, ties to even; NaN stays NaN.
uint16_t RoundToBf16(float x);

// Bytes of keys and values of one layer, head and block.
inline int64_t KvHeadBytes(Number number, int64_t head_dim) {
  return 2 * kKvTokens * head_dim * NumberBytes(number);
}

inline constexpr int kMostServingTables = 5;
// Slowest first; the last is what to use. Returns how many there are.
int AvailableServingTables(const ServingTable* tables[kMostServingTables]);
const ServingTable& BestServingTable();

extern const ServingTable kServingBaseline, kServingAvx2, kServingAvx512, kServingAvx512Bf16, kServingAmx;

}  // namespace jade::kernels
