// Rows times packed bf16 or int8 weights in tiles, for every number of rows; included after serving_linear_impl.h.
//
// A panel's 16 words of depth are two tiles of weights as they lie. Registers: 0 … 3 the sums of up to 32 rows by 32
// columns, 4 and 5 the rows, 6 and 7 the weights. int8 weights are made bf16, which is exact, a slice of a panel at a
// time; sums wait in memory meanwhile.

constexpr int64_t kGroupRows = 2 * kTileRows;
constexpr int64_t kStepBytes = kTileWords * kPanelColumns * 4;
// Weights are fetched this far ahead.
constexpr int64_t kFetchBytes = 8192;
// Of int8 weights: steps of a slice, and rows that it is made for.
constexpr int64_t kSliceSteps = 24;
constexpr int64_t kSliceRows = 4 * kGroupRows;

// Of a group of rows: x's whole steps of depth, and the rest of them filled up with zeros.
struct TileRows {
  const char* x;
  int64_t stride;        // bytes
  int64_t steps;         // whole
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

// Steps [0, rows.steps) and the rest of rows and panel. sums[32][32] = or, when they are begun, += rows · panel. kTwo:
// more than 16 rows. kFetch: the weights come from memory.
template <bool kTwo, bool kFetch>
void MultiplyPanelTiles(const TileRows& rows, const char* panel, bool begun, float* sums) {
  constexpr int64_t kSumsStride = kPanelColumns * 4;
  float* lower = sums + kTileRows * kPanelColumns;
  if (begun) {
    LoadTile<0>(sums, kSumsStride);
    LoadTile<1>(sums + kTileColumns, kSumsStride);
    if constexpr (kTwo) {
      LoadTile<2>(lower, kSumsStride);
      LoadTile<3>(lower + kTileColumns, kSumsStride);
    }
  } else {
    ZeroTile<0>();
    ZeroTile<1>();
    if constexpr (kTwo) {
      ZeroTile<2>();
      ZeroTile<3>();
    }
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
  StoreTile<0>(sums, kSumsStride);
  StoreTile<1>(sums + kTileColumns, kSumsStride);
  if constexpr (kTwo) {
    StoreTile<2>(lower, kSumsStride);
    StoreTile<3>(lower + kTileColumns, kSumsStride);
  }
}

// Up to 32 rows of a task, and the registers set for them.
class RowGroup {
 public:
  RowGroup(const LinearTask& t, int64_t begin) : task_(t), begin_(begin), count_(Least(t.rows - begin, kGroupRows)) {
    const int64_t upper = Least(count_, kTileRows), lower = count_ - upper;
    for (int i = 0; i < 2; ++i) {
      shape_.Set(i, upper);
      shape_.Set(2 + i, lower);
      shape_.Set(4 + i, i == 0 ? upper : lower);
      shape_.Set(6 + i, kTileWords);
    }
    const auto* x = static_cast<const uint32_t*>(t.x) + begin * t.words;
    rows_ = {reinterpret_cast<const char*>(x), t.words * 4, t.words / kTileWords, nullptr};
    const int64_t left = t.words % kTileWords;
    if (left == 0) return;
    __builtin_memset(rest_, 0, sizeof(rest_));
    for (int64_t r = 0; r < count_; ++r) {
      __builtin_memcpy(rest_ + r * kTileWords, x + (r + 1) * t.words - left, static_cast<unsigned long>(left) * 4);
    }
    rows_.rest = rest_;
  }

  void SetRegisters() const { shape_.Load(); }

  // sums[32][32] of all of a panel's depth.
  void Multiply(const char* panel, bool fetch, float* sums) const { Dispatch(rows_, panel, fetch, false, sums); }

  // A slice of the depth, from step `first` on, at `weights`.
  void MultiplySlice(int64_t first, int64_t steps, const char* weights, float* sums) const {
    TileRows part = rows_;
    part.x += first * kTileBytes;
    part.steps = Least(steps, rows_.steps - first);
    if (part.steps == steps) part.rest = nullptr;
    Dispatch(part, weights, false, first > 0, sums);
  }

  void Finish(int64_t panel, float* sums) const {
    for (int64_t r = 0; r < count_; ++r) FinishRow(task_, begin_ + r, panel * kPanelColumns, sums + r * kPanelColumns);
  }

 private:
  void Dispatch(const TileRows& rows, const char* panel, bool fetch, bool begun, float* sums) const {
    if (count_ > kTileRows) {
      fetch ? MultiplyPanelTiles<true, true>(rows, panel, begun, sums)
            : MultiplyPanelTiles<true, false>(rows, panel, begun, sums);
    } else {
      fetch ? MultiplyPanelTiles<false, true>(rows, panel, begun, sums)
            : MultiplyPanelTiles<false, false>(rows, panel, begun, sums);
    }
  }

  const LinearTask& task_;
  const int64_t begin_, count_;
  TileShape shape_;
  TileRows rows_;
  alignas(64) uint32_t rest_[kGroupRows * kTileWords];
};

void LinearTiles(const LinearTask& t, int64_t first, int64_t last) {
  const int64_t panel_bytes = PanelWords(t.words) * kPanelColumns * 4;
  alignas(64) float sums[kGroupRows * kPanelColumns];
  for (int64_t begin = 0; begin < t.rows; begin += kGroupRows) {
    const RowGroup group(t, begin);
    group.SetRegisters();
    for (int64_t panel = first; panel < last; ++panel) {
      // The first group of rows fetches the weights for all.
      group.Multiply(static_cast<const char*>(t.panels) + panel * panel_bytes, begin == 0, sums);
      group.Finish(panel, sums);
    }
  }
}

// `count` words of 32 columns of two int8 numbers, to bf16.
inline void WidenWords(const char* from, int64_t count, char* to) {
  constexpr int64_t kHalf = kLanes * Words<Number::kInt8>::kBytes;
  for (int64_t i = 0; i < count; ++i, from += 2 * kHalf, to += 2 * kTileBytes) {
    __builtin_prefetch(from + kFetchBytes, 0, 2);
    const Words<Number::kInt8> left(from), right(from + kHalf);
    _mm512_store_si512(to, (__m512i)left.v);
    _mm512_store_si512(to + kTileBytes, (__m512i)right.v);
  }
}

void LinearTilesInt8(const LinearTask& t, int64_t first, int64_t last) {
  constexpr int64_t kWordsBytes = kPanelColumns * Words<Number::kInt8>::kBytes;
  const int64_t steps = PanelWords(t.words) / kTileWords, panel_bytes = steps * kTileWords * kWordsBytes;
  alignas(64) char slice[kSliceSteps * kStepBytes];
  alignas(64) float sums[kSliceRows / kGroupRows][kGroupRows * kPanelColumns];
  for (int64_t block = 0; block < t.rows; block += kSliceRows) {
    LinearTask part = t;
    part.rows = Least(t.rows, block + kSliceRows);
    for (int64_t panel = first; panel < last; ++panel) {
      const char* weights = static_cast<const char*>(t.panels) + panel * panel_bytes;
      for (int64_t step = 0; step < steps; step += kSliceSteps) {
        const int64_t count = Least(kSliceSteps, steps - step);
        WidenWords(weights + step * kTileWords * kWordsBytes, count * kTileWords, slice);
        for (int64_t begin = block; begin < part.rows; begin += kGroupRows) {
          const RowGroup group(part, begin);
          float* of_group = sums[(begin - block) / kGroupRows];
          group.SetRegisters();
          group.MultiplySlice(step, count, slice, of_group);
          if (step + count == steps) group.Finish(panel, of_group);
        }
      }
    }
  }
}
