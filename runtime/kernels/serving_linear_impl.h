// Rows times packed weights; included inside the namespace of an instruction set, after serving_simd_impl.h.

// Rows whose sums stay in registers beside kPartVectors vectors of weights.
constexpr int kPartVectors = 2;
constexpr int kMostRows = JADE_VECTOR_BYTES == 64 ? 12 : 6;
constexpr int64_t kPartColumns = kPartVectors * kLanes;
// From so many rows on the processor's own fetching falls behind.
constexpr int kRowsToFetch = 8;

// What is fetched while a panel is multiplied with a group of rows: a part of the next panel, `step` bytes a word.
struct Ahead {
  const char* next;
  int64_t step;
};

// sums[r] = x[r] · a part of a panel, from the first word to the last.
template <Number kNumber, int kRows>
inline void MultiplyPart(const uint32_t* x, int64_t words, const char* part, Ahead ahead, float* sums) {
  constexpr int64_t kWordBytes = Words<kNumber>::kBytes;
  Vec acc[kRows][kPartVectors];
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPartVectors; ++v) acc[r][v] = Vec{};
  }
  for (int64_t k = 0; k < words; ++k) {
    const char* row = part + k * kPanelColumns * kWordBytes;
    const Words<kNumber> b0(row), b1(row + kLanes * kWordBytes);
    if constexpr (kRows >= kRowsToFetch) {
      __builtin_prefetch(ahead.next + k * ahead.step, 0, 2);
      __builtin_prefetch(ahead.next + k * ahead.step + ahead.step / 2, 0, 2);
    }
#pragma GCC unroll 12
    for (int r = 0; r < kRows; ++r) {
      const uint32_t a = x[r * words + k];
      acc[r][0] = b0.MultiplyAdd(a, acc[r][0]);
      acc[r][1] = b1.MultiplyAdd(a, acc[r][1]);
    }
  }
#pragma GCC unroll 12
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kPartVectors; ++v) Store(sums + r * kPanelColumns + v * kLanes, acc[r][v]);
  }
}

template <Number kNumber, int kRows>
void MultiplyPanel(const uint32_t* x, int64_t words, const char* panel, Ahead ahead, float* sums) {
  for (int64_t c = 0; c < kPanelColumns; c += kPartColumns) {
    MultiplyPart<kNumber, kRows>(x, words, panel + c * Words<kNumber>::kBytes, ahead, sums + c);
  }
}

using MultiplyFunction = void (*)(const uint32_t* x, int64_t words, const char* panel, Ahead ahead, float* sums);

template <Number kNumber>
MultiplyFunction MultiplyFor(int64_t rows) {
  static constexpr MultiplyFunction kFunctions[] = {
    MultiplyPanel<kNumber, 1>,
    MultiplyPanel<kNumber, 2>,
    MultiplyPanel<kNumber, 3>,
    MultiplyPanel<kNumber, 4>,
    MultiplyPanel<kNumber, 5>,
    MultiplyPanel<kNumber, 6>,
#if JADE_VECTOR_BYTES == 64
    MultiplyPanel<kNumber, 7>,
    MultiplyPanel<kNumber, 8>,
    MultiplyPanel<kNumber, 9>,
    MultiplyPanel<kNumber, 10>,
    MultiplyPanel<kNumber, 11>,
    MultiplyPanel<kNumber, 12>,
#endif
  };
  return kFunctions[rows - 1];
}

// Scale and bias of a row of 32 sums.
inline void ScaleAndShift(const LinearTask& t, int64_t column, float* sums) {
  for (int64_t i = 0; i < kPanelColumns; i += kLanes) {
    Vec v = Load(sums + i);
    if (t.scale != nullptr) v = v * Load(t.scale + column + i);
    if (t.bias != nullptr) v = v + Load(t.bias + column + i);
    Store(sums + i, v);
  }
}

inline void FinishSwiGlu(const LinearTask& t, int64_t row, int64_t column, const float* sums) {
  constexpr int64_t kHalf = kPanelColumns / 2;
  float result[kHalf];
  for (int64_t i = 0; i < kHalf; i += kLanes) {
    const Vec gate = Load(sums + i), up = Load(sums + kHalf + i);
    Store(result + i, gate * up / (1.0f + Exp(-gate)));
  }
  const int64_t first = column / 2, left = t.columns / 2 - first;
  const Number number = t.weights == Number::kFp32 ? Number::kFp32 : Number::kBf16;
  char* y = static_cast<char*>(t.y) + (row * t.y_stride + first) * (number == Number::kFp32 ? 4 : 2);
  Convert(result, y, number, left < kHalf ? left : kHalf);
}

inline void FinishRow(const LinearTask& t, int64_t row, int64_t column, float* sums) {
  if (t.scale != nullptr || t.bias != nullptr) ScaleAndShift(t, column, sums);
  if (t.epilogue == Epilogue::kSwiGlu) return FinishSwiGlu(t, row, column, sums);
  float* y = static_cast<float*>(t.y) + row * t.y_stride + column;
  const int64_t left = t.columns - column, width = left < kPanelColumns ? left : kPanelColumns;
  const bool add = t.epilogue == Epilogue::kAdd;
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) Store(y + i, add ? Load(y + i) + Load(sums + i) : Load(sums + i));
  for (; i < width; ++i) y[i] = add ? y[i] + sums[i] : sums[i];
}

template <Number kNumber>
void LinearOf(const LinearTask& t, int64_t first, int64_t last) {
  const auto* x = static_cast<const uint32_t*>(t.x);
  const auto* panels = static_cast<const char*>(t.panels);
  const int64_t panel_bytes = PanelWords(t.words) * kPanelColumns * Words<kNumber>::kBytes;
  const int64_t groups = (t.rows + kMostRows - 1) / kMostRows;
  float sums[kMostRows * kPanelColumns];
  for (int64_t panel = first; panel < last; ++panel) {
    for (int64_t g = 0; g < groups; ++g) {
      const int64_t begin = g * t.rows / groups, rows = (g + 1) * t.rows / groups - begin;
      const char* next = panels + (panel + (panel + 1 < last ? 1 : 0)) * panel_bytes;
      const Ahead ahead{next + g * (panel_bytes / groups), kPanelColumns * Words<kNumber>::kBytes / groups};
      MultiplyFor<kNumber>(rows)(x + begin * t.words, t.words, panels + panel * panel_bytes, ahead, sums);
      for (int64_t r = 0; r < rows; ++r) FinishRow(t, begin + r, panel * kPanelColumns, sums + r * kPanelColumns);
    }
  }
}
