// Rows times packed bf16 weights in tiles, for every number of rows; included after serving_linear_impl.h.
//
// A panel's 16 words of depth are two tiles of weights as they lie. Registers: 0 … 3 the sums of up to 32 rows by 32
// columns, 4 and 5 the rows, 6 and 7 the weights.

constexpr int64_t kGroupRows = 2 * kTileRows;
// Up to so many rows wait for the weights, which are fetched this far ahead.
constexpr int64_t kFetchBytes = 8192;
constexpr int64_t kStepBytes = kTileWords * kPanelColumns * 4;

// Of a group of rows: x's whole steps of depth, and the rest of them filled up with zeros.
struct TileRows {
  const char* x;
  int64_t stride;  // bytes
  int64_t steps;   // whole
  const uint32_t* rest;  // [32 rows][16 words], or null
};

template <bool kTwo>
inline void MultiplyStep(const char* x, int64_t stride, const char* weights) {
  LoadTile<6>(weights, kPanelColumns * 4);
  LoadTile<4>(x, stride);
  MultiplyTiles<0, 4, 6>();
  LoadTile<7>(weights + kTileBytes, kPanelColumns * 4);
  MultiplyTiles<1, 4, 7>();
  if constexpr (kTwo) {
    LoadTile<5>(x + kTileRows * stride, stride);
    MultiplyTiles<2, 5, 6>();
    MultiplyTiles<3, 5, 7>();
  }
}

// sums[32][32] = rows · panel. kTwo: more than 16 rows. kFetch: the weights come from memory.
template <bool kTwo, bool kFetch>
void MultiplyPanelTiles(const TileRows& rows, const char* panel, float* sums) {
  ZeroTile<0>();
  ZeroTile<1>();
  if constexpr (kTwo) {
    ZeroTile<2>();
    ZeroTile<3>();
  }
  for (int64_t k = 0; k < rows.steps; ++k) {
    const char* weights = panel + k * kStepBytes;
    if constexpr (kFetch) {
#pragma GCC unroll 32
      for (int64_t i = 0; i < kStepBytes; i += 64) __builtin_prefetch(weights + kFetchBytes + i, 0, 2);
    }
    MultiplyStep<kTwo>(rows.x + k * kTileBytes, rows.stride, weights);
  }
  if (rows.rest != nullptr) {
    MultiplyStep<kTwo>(reinterpret_cast<const char*>(rows.rest), kTileBytes, panel + rows.steps * kStepBytes);
  }
  StoreTile<0>(sums, kPanelColumns * 4);
  StoreTile<1>(sums + kTileColumns, kPanelColumns * 4);
  if constexpr (kTwo) {
    StoreTile<2>(sums + kTileRows * kPanelColumns, kPanelColumns * 4);
    StoreTile<3>(sums + kTileRows * kPanelColumns + kTileColumns, kPanelColumns * 4);
  }
}

using MultiplyTilesFunction = void (*)(const TileRows& rows, const char* panel, float* sums);

// Panels [first, last) for rows [begin, begin + count), at most 32 of them.
inline void LinearGroup(const LinearTask& t, int64_t begin, int64_t count, int64_t first, int64_t last) {
  static constexpr MultiplyTilesFunction kFunctions[2][2] = {
      {MultiplyPanelTiles<false, false>, MultiplyPanelTiles<false, true>},
      {MultiplyPanelTiles<true, false>, MultiplyPanelTiles<true, true>},
  };
  // The first group of rows fetches the weights for all.
  const MultiplyTilesFunction multiply = kFunctions[count > kTileRows][begin == 0];
  TileShape shape;
  const int64_t upper = Least(count, kTileRows), lower = count - upper;
  for (int i = 0; i < 2; ++i) {
    shape.Set(i, upper);
    shape.Set(2 + i, lower);
    shape.Set(4 + i, i == 0 ? upper : lower);
    shape.Set(6 + i, kTileWords);
  }
  shape.Load();

  const auto* x = static_cast<const uint32_t*>(t.x) + begin * t.words;
  TileRows rows{reinterpret_cast<const char*>(x), t.words * 4, t.words / kTileWords, nullptr};
  alignas(64) uint32_t rest[kGroupRows * kTileWords];
  if (const int64_t left = t.words % kTileWords; left > 0) {
    __builtin_memset(rest, 0, sizeof(rest));
    for (int64_t r = 0; r < count; ++r) {
      __builtin_memcpy(rest + r * kTileWords, x + (r + 1) * t.words - left, static_cast<unsigned long>(left) * 4);
    }
    rows.rest = rest;
  }
  const int64_t panel_bytes = PanelWords(t.words) * kPanelColumns * 4;
  alignas(64) float sums[kGroupRows * kPanelColumns];
  for (int64_t panel = first; panel < last; ++panel) {
    multiply(rows, static_cast<const char*>(t.panels) + panel * panel_bytes, sums);
    for (int64_t r = 0; r < count; ++r) FinishRow(t, begin + r, panel * kPanelColumns, sums + r * kPanelColumns);
  }
}

void LinearTiles(const LinearTask& t, int64_t first, int64_t last) {
  for (int64_t begin = 0; begin < t.rows; begin += kGroupRows) {
    LinearGroup(t, begin, Least(t.rows - begin, kGroupRows), first, last);
  }
}
