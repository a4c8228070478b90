// Shared by the units that are compiled for tiles: loading, packing and multiplying them. Include inside an unnamed
// namespace of jade::backbone, behind <immintrin.h>.

// A tile holds 16 rows of 64 bytes: 16 × 32 of a (row by row), 16 pairs of rows × 16 of b, 16 × 16 fp32 sums.
constexpr int64_t kSide = 16;
constexpr int64_t kPairs = 32;                 // depth of a tile
constexpr int64_t kElements = kSide * kPairs;  // bf16 of a tile
constexpr int64_t kPanel = 2 * kSide;          // rows or columns that are multiplied at once
constexpr int kRowBytes = 64;

int64_t Tiles(int64_t count, int64_t side) {
  return (count + side - 1) / side;
}

struct TileConfiguration {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};
static_assert(sizeof(TileConfiguration) == 64);

// All eight tiles whole, while this lives.
class TilesInUse {
 public:
  TilesInUse() {
    TileConfiguration configuration;
    for (int i = 0; i < 8; ++i) {
      configuration.row_bytes[i] = kRowBytes;
      configuration.rows[i] = kSide;
    }
    _tile_loadconfig(&configuration);
  }
  ~TilesInUse() { _tile_release(); }
  TilesInUse(const TilesInUse&) = delete;
  TilesInUse& operator=(const TilesInUse&) = delete;
};

// m[i][j] of 32 bits becomes m[j][i].
inline void Transpose(__m512i m[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(m[i], m[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(m[i], m[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    m[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    m[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    m[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    m[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // Now quarter q of m[4g + j] holds rows 4g … 4g + 3 of column 4q + j.
  for (int j = 0; j < 4; ++j) {
    t[j] = _mm512_shuffle_i32x4(m[j], m[4 + j], 0x44);
    t[4 + j] = _mm512_shuffle_i32x4(m[j], m[4 + j], 0xee);
    t[8 + j] = _mm512_shuffle_i32x4(m[8 + j], m[12 + j], 0x44);
    t[12 + j] = _mm512_shuffle_i32x4(m[8 + j], m[12 + j], 0xee);
  }
  for (int j = 0; j < 4; ++j) {
    m[j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0x88);
    m[4 + j] = _mm512_shuffle_i32x4(t[j], t[8 + j], 0xdd);
    m[8 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0x88);
    m[12 + j] = _mm512_shuffle_i32x4(t[4 + j], t[12 + j], 0xdd);
  }
}

inline void StoreTile(const __m512i m[16], uint16_t* tile) {
  for (int i = 0; i < 16; ++i) _mm512_storeu_si512(tile + i * kPairs, m[i]);
}

// 16 rows of up to 32 elements, zero beyond `rows` and `columns`.
inline void LoadRows(const uint16_t* data, int64_t stride, int64_t rows, int64_t columns, __m512i m[16]) {
  if (rows >= kSide && columns >= kPairs) {
    for (int64_t i = 0; i < kSide; ++i) m[i] = _mm512_loadu_si512(data + i * stride);
    return;
  }
  const __mmask32 mask = columns >= kPairs ? 0xffffffffU : (1U << columns) - 1;
  for (int64_t i = 0; i < kSide; ++i) {
    m[i] = i < rows ? _mm512_maskz_loadu_epi16(mask, data + i * stride) : _mm512_setzero_si512();
  }
}

// 16 pairs of rows of up to 16 elements: each 32 bits hold an element of the even row and, above it, of the odd one.
inline void LoadPairs(const uint16_t* data, int64_t stride, int64_t rows, int64_t columns, __m512i m[16]) {
  if (rows >= kPairs && columns >= kSide) {
    const auto whole = [&](int64_t i) {
      return _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(data + i * stride)));
    };
    for (int64_t i = 0; i < kSide; ++i) m[i] = _mm512_or_si512(whole(2 * i), _mm512_slli_epi32(whole(2 * i + 1), 16));
    return;
  }
  const __mmask16 mask = columns >= kSide ? 0xffff : static_cast<__mmask16>((1U << columns) - 1);
  const auto row = [&](int64_t i) {
    return i < rows ? _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, data + i * stride)) : _mm512_setzero_si512();
  };
  for (int64_t i = 0; i < kSide; ++i) m[i] = _mm512_or_si512(row(2 * i), _mm512_slli_epi32(row(2 * i + 1), 16));
}

// The tile of a whose first element is (i, k).
inline void PackLeft(const TileOperand& a, int64_t i, int64_t rows, int64_t k, int64_t depth, uint16_t* tile) {
  __m512i m[16];
  if (a.transposed) {
    LoadPairs(a.data + k * a.stride + i, a.stride, depth - k, rows - i, m);
    Transpose(m);
  } else {
    LoadRows(a.data + i * a.stride + k, a.stride, rows - i, depth - k, m);
  }
  StoreTile(m, tile);
}

// The tile of b whose first element is (k, j).
inline void PackRight(const TileOperand& b, int64_t k, int64_t depth, int64_t j, int64_t columns, uint16_t* tile) {
  __m512i m[16];
  if (b.transposed) {
    LoadRows(b.data + j * b.stride + k, b.stride, columns - j, depth - k, m);
    Transpose(m);
  } else {
    LoadPairs(b.data + k * b.stride + j, b.stride, depth - k, columns - j, m);
  }
  StoreTile(m, tile);
}

// sums (32 × 32) += a · b over `tiles` tiles of depth; a and b are two rows and two columns of tiles.
inline void MultiplyPanels(const uint16_t* a, const uint16_t* b, int64_t tiles, float* sums, bool add) {
  constexpr int kStride = kPanel * sizeof(float);
  float* below = sums + kSide * kPanel;
  if (add) {
    _tile_loadd(0, sums, kStride);
    _tile_loadd(1, sums + kSide, kStride);
    _tile_loadd(2, below, kStride);
    _tile_loadd(3, below + kSide, kStride);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t k = 0; k < tiles; ++k, a += 2 * kElements, b += 2 * kElements) {
    _tile_loadd(4, a, kRowBytes);
    _tile_loadd(6, b, kRowBytes);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, b + kElements, kRowBytes);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + kElements, kRowBytes);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums, kStride);
  _tile_stored(1, sums + kSide, kStride);
  _tile_stored(2, below, kStride);
  _tile_stored(3, below + kSide, kStride);
}

inline __m256i RoundedToHalf(__m512 v) {
  const __m256bh half = _mm512_cvtneps_pbh(v);
  __m256i bits;
  __builtin_memcpy(&bits, &half, sizeof(bits));
  return bits;
}
