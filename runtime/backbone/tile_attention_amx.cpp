// Attention on tiles. Scores are computed transposed, keys by query rows: then maxima and sums run along vectors, and
// what is multiplied next is packed by converting pairs of rows. A query row is a (token, group member) of the key
// head.
#include "runtime/backbone/tile_kernels.h"

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)

#include <immintrin.h>

namespace jade::backbone {
namespace {

#include "runtime/backbone/tile_impl.h"

constexpr int64_t kBlock = kPanel * kPanel;  // sums of a product of panels
constexpr int64_t kRowPanels = 2;            // panels of query rows that the backward pass takes at once

int64_t RoundUp(int64_t count) {
  return Tiles(count, kPanel) * kPanel;
}

// Hands out pieces of the scratch; counts them when there is none.
class Pieces {
 public:
  explicit Pieces(void* memory) : memory_(static_cast<char*>(memory)) {}
  template <typename Type>
  Type* Take(int64_t count) {
    char* piece = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += Tiles(count * static_cast<int64_t>(sizeof(Type)), 64) * 64;
    return reinterpret_cast<Type*>(piece);
  }
  int64_t used() const { return used_; }

 private:
  char* memory_;
  int64_t used_ = 0;
};

inline __m512 Widen(const uint16_t* p) {
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}
inline void StoreHalf(uint16_t* p, __m512 v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), RoundedToHalf(v));
}

// exp, relative error about 1e-7; 0 far below.
inline __m512 Exp(__m512 x) {
  const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504089F)), 0);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
  __m512 p = _mm512_set1_ps(1.9875691500e-4F);
  constexpr float kCoefficients[] = {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F, 1.6666665459e-1F,
                                     5.0000001201e-1F};
  for (const float c : kCoefficients) {
    p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
  }
  p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, _mm512_add_ps(r, _mm512_set1_ps(1.0F)));
  return _mm512_scalef_ps(p, n);
}

// Copies a head's row, rotated by its position.
void RotateRow(const uint16_t* from, const float* cos, const float* sin, int64_t head_dim, uint16_t* to) {
  const int64_t half = head_dim / 2;
  for (int64_t i = 0; i < half; i += kSide) {
    const __m512 a = Widen(from + i), b = Widen(from + half + i);
    const __m512 c = _mm512_loadu_ps(cos + i), s = _mm512_loadu_ps(sin + i);
    StoreHalf(to + i, _mm512_fmsub_ps(a, c, _mm512_mul_ps(b, s)));
    StoreHalf(to + half + i, _mm512_fmadd_ps(b, c, _mm512_mul_ps(a, s)));
  }
}

// The gradient of what was rotated.
void RotateBack(const float* from, const float* cos, const float* sin, int64_t head_dim, uint16_t* to) {
  const int64_t half = head_dim / 2;
  for (int64_t i = 0; i < half; i += kSide) {
    const __m512 a = _mm512_loadu_ps(from + i), b = _mm512_loadu_ps(from + half + i);
    const __m512 c = _mm512_loadu_ps(cos + i), s = _mm512_loadu_ps(sin + i);
    StoreHalf(to + i, _mm512_fmadd_ps(a, c, _mm512_mul_ps(b, s)));
    StoreHalf(to + half + i, _mm512_fmsub_ps(b, c, _mm512_mul_ps(a, s)));
  }
}

// Rows i of a as panels of 32 rows, each with its tiles of depth.
void PackLeftPanels(const TileOperand& a, int64_t rows, int64_t depth, uint16_t* packed) {
  for (int64_t i = 0; i < rows; i += kPanel) {
    for (int64_t k = 0; k < depth; k += kPairs) {
      for (int64_t half = 0; half < 2; ++half, packed += kElements) {
        PackLeft(a, i + half * kSide, rows, k, depth, packed);
      }
    }
  }
}

void PackRightPanels(const TileOperand& b, int64_t depth, int64_t columns, uint16_t* packed) {
  for (int64_t j = 0; j < columns; j += kPanel) {
    for (int64_t k = 0; k < depth; k += kPairs) {
      for (int64_t half = 0; half < 2; ++half, packed += kElements) {
        PackRight(b, k, depth, j + half * kSide, columns, packed);
      }
    }
  }
}

// 32 × 32 sums to rows [column][row].
void TransposeBlock(const float* sums, float* to, int64_t stride) {
  for (int64_t i = 0; i < kPanel; i += kSide) {
    for (int64_t j = 0; j < kPanel; j += kSide) {
      __m512i m[16];
      for (int64_t r = 0; r < kSide; ++r) m[r] = _mm512_loadu_si512(sums + (i + r) * kPanel + j);
      Transpose(m);
      for (int64_t r = 0; r < kSide; ++r) _mm512_storeu_si512(to + (j + r) * stride + i, m[r]);
    }
  }
}

// What both passes know of a task.
struct Rows {
  explicit Rows(const TileAttention& task)
      : t(task), count(task.tokens * task.group), half(task.head_dim / 2), keys(RoundUp(task.tokens)) {}

  int64_t TokenOf(int64_t row) const { return row / t.group; }
  int64_t Place(int64_t row, int64_t stride) const { return TokenOf(row) * stride + row % t.group * t.head_dim; }
  // Panels of keys that rows up to `last` see.
  int64_t KeyPanels(int64_t last) const { return Tiles(TokenOf(last < count ? last : count - 1) + 1, kPanel); }
  // Query rows, rotated, one below the other.
  void RotateQueries(uint16_t* to) const {
    for (int64_t r = 0; r < count; ++r) {
      const int64_t angle = TokenOf(r) * half;
      RotateRow(t.q + Place(r, t.stride), t.cos + angle, t.sin + angle, t.head_dim, to + r * t.head_dim);
    }
  }
  void RotateKeys(uint16_t* to) const {
    for (int64_t i = 0; i < t.tokens; ++i) {
      RotateRow(t.k + i * t.stride, t.cos + i * half, t.sin + i * half, t.head_dim, to + i * t.head_dim);
    }
  }
  // The last key that each of 16 rows sees; rows beyond the end are taken for the last.
  __m512i LastKeys(int64_t first) const {
    int32_t last[kSide];
    for (int64_t i = 0; i < kSide; ++i) {
      last[i] = static_cast<int32_t>(TokenOf(first + i < count ? first + i : count - 1));
    }
    return _mm512_loadu_si512(last);
  }

  const TileAttention& t;
  int64_t count, half, keys;
};

inline __mmask16 Seen(__m512i last_keys, int64_t key) {
  return _mm512_cmpge_epi32_mask(last_keys, _mm512_set1_epi32(static_cast<int32_t>(key)));
}

// Two rows of 16 numbers as the pairs of a right-hand tile.
inline __m512i PairRows(__m512 even, __m512 odd) {
  const __m512i low = _mm512_cvtepu16_epi32(RoundedToHalf(even));
  return _mm512_or_si512(low, _mm512_slli_epi32(_mm512_cvtepu16_epi32(RoundedToHalf(odd)), 16));
}

// Weights of 16 query rows over `panels` panels of keys, not divided by their sums, as right-hand tiles.
void Softmax(const Rows& rows, const float* scores, int64_t panels, int64_t first, int64_t half, uint16_t* weights,
             __m512* sum, __m512* highest) {
  const __m512i last_keys = rows.LastKeys(first + half * kSide);
  const auto score = [&](int64_t key) {
    const float* at = scores + key / kPanel * kBlock + key % kPanel * kPanel + half * kSide;
    return _mm512_mask_loadu_ps(_mm512_set1_ps(-__builtin_inff()), Seen(last_keys, key), at);
  };
  __m512 most = _mm512_set1_ps(-__builtin_inff());
  for (int64_t key = 0; key < panels * kPanel; ++key) most = _mm512_max_ps(most, score(key));
  const __m512 scale = _mm512_set1_ps(rows.t.scale);
  const __m512 shift = _mm512_mul_ps(most, scale);
  __m512 total = _mm512_setzero_ps();
  for (int64_t key = 0; key < panels * kPanel; key += 2) {
    const __m512 even = Exp(_mm512_fmsub_ps(score(key), scale, shift));
    const __m512 odd = Exp(_mm512_fmsub_ps(score(key + 1), scale, shift));
    total = _mm512_add_ps(total, _mm512_add_ps(even, odd));
    _mm512_storeu_si512(weights + (key / kPanel * 2 + half) * kElements + key % kPanel / 2 * kPairs,
                        PairRows(even, odd));
  }
  *sum = total;
  *highest = shift;
}

struct ForwardScratch {
  ForwardScratch(int64_t e, int64_t tokens, int64_t group, Pieces pieces) {
    const int64_t keys = RoundUp(tokens), rows = RoundUp(tokens * group);
    q = pieces.Take<uint16_t>(rows * e);
    k = pieces.Take<uint16_t>(keys * e);
    k_left = pieces.Take<uint16_t>(keys * e);
    v_left = pieces.Take<uint16_t>(keys * e);
    q_right = pieces.Take<uint16_t>(kPanel * e);
    scores = pieces.Take<float>(keys * kPanel);
    weights = pieces.Take<uint16_t>(keys * kPanel);
    out = pieces.Take<float>(kBlock);
    out_rows = pieces.Take<float>(kPanel * e);
    bytes = pieces.used();
  }
  uint16_t *q, *k, *k_left, *v_left, *q_right, *weights;
  float *scores, *out, *out_rows;
  int64_t bytes;
};

// A panel of query rows, from `first` on.
void AttendPanel(const Rows& rows, const ForwardScratch& s, int64_t first) {
  const TileAttention& t = rows.t;
  const int64_t e = t.head_dim, tiles = e / kPairs, panels = rows.KeyPanels(first + kPanel - 1);
  PackRightPanels({s.q + first * e, e, true}, e, kPanel, s.q_right);
  for (int64_t p = 0; p < panels; ++p) {
    MultiplyPanels(s.k_left + p * kPanel * e, s.q_right, tiles, s.scores + p * kBlock, false);
  }
  float inverse[kPanel], log_sum[kPanel];
  for (int64_t half = 0; half < 2; ++half) {
    __m512 sum, highest;
    Softmax(rows, s.scores, panels, first, half, s.weights, &sum, &highest);
    _mm512_storeu_ps(inverse + half * kSide, _mm512_div_ps(_mm512_set1_ps(1.0F), sum));
    float sums[kSide];
    _mm512_storeu_ps(sums, sum);
    _mm512_storeu_ps(log_sum + half * kSide, highest);
    for (int64_t i = 0; i < kSide; ++i) log_sum[half * kSide + i] += __builtin_logf(sums[i]);
  }
  for (int64_t p = 0; p < tiles; ++p) {
    MultiplyPanels(s.v_left + p * kPanel * rows.keys, s.weights, panels, s.out, false);
    TransposeBlock(s.out, s.out_rows + p * kPanel, e);
  }
  for (int64_t i = 0; i < kPanel && first + i < rows.count; ++i) {
    t.log_sum[first + i] = log_sum[i];
    uint16_t* out = t.out + rows.Place(first + i, t.out_stride);
    const __m512 scale = _mm512_set1_ps(inverse[i]);
    for (int64_t d = 0; d < e; d += kSide) {
      StoreHalf(out + d, _mm512_mul_ps(_mm512_loadu_ps(s.out_rows + i * e + d), scale));
    }
  }
}

struct BackwardScratch {
  BackwardScratch(int64_t e, int64_t tokens, int64_t group, Pieces pieces) {
    const int64_t keys = RoundUp(tokens), rows = RoundUp(tokens * group) + kPanel, some = kRowPanels * kPanel;
    uint16_t** const of_rows[] = {&q, &d_out};
    uint16_t** const of_keys[] = {&k, &k_left, &k_columns, &v_left};
    uint16_t** const of_some_rows[] = {&q_right, &d_out_right, &q_rows, &d_out_rows};
    for (uint16_t** p : of_rows) *p = pieces.Take<uint16_t>(rows * e);
    for (uint16_t** p : of_keys) *p = pieces.Take<uint16_t>(keys * e);
    for (uint16_t** p : of_some_rows) *p = pieces.Take<uint16_t>(some * e);
    weights_left = pieces.Take<uint16_t>(some * kPanel);
    d_scores_left = pieces.Take<uint16_t>(some * kPanel);
    d_scores_right = pieces.Take<uint16_t>(keys * some);
    scores = pieces.Take<float>(kBlock);
    d_weights = pieces.Take<float>(kBlock);
    d_q = pieces.Take<float>(kBlock);
    d_k = pieces.Take<float>(keys * e);
    d_v = pieces.Take<float>(keys * e);
    row = pieces.Take<float>(kPanel * e);
    means = pieces.Take<float>(rows);
    log_sums = pieces.Take<float>(rows);
    bytes = pieces.used();
  }
  uint16_t *q, *d_out, *k, *k_left, *k_columns, *v_left, *q_right, *d_out_right, *q_rows, *d_out_rows;
  uint16_t *weights_left, *d_scores_left, *d_scores_right;
  float *scores, *d_weights, *d_q, *d_k, *d_v, *row, *means, *log_sums;
  int64_t bytes;
};

// Copies d_out row by row; its product with out, which is the mean of the weights' gradients; the logarithms.
void GatherRows(const Rows& rows, const BackwardScratch& s) {
  const TileAttention& t = rows.t;
  const int64_t e = t.head_dim, padded = RoundUp(rows.count) + kPanel;
  for (int64_t r = 0; r < padded; ++r) {
    uint16_t* to = s.d_out + r * e;
    __m512 mean = _mm512_setzero_ps();
    if (r < rows.count) {
      const uint16_t *d = t.d_out + rows.Place(r, t.out_stride), *out = t.out + rows.Place(r, t.out_stride);
      for (int64_t i = 0; i < e; i += kSide) mean = _mm512_fmadd_ps(Widen(d + i), Widen(out + i), mean);
      __builtin_memcpy(to, d, static_cast<size_t>(e) * sizeof(uint16_t));
    } else {  // rows that are not there have no gradient
      __builtin_memset(to, 0, static_cast<size_t>(e) * sizeof(uint16_t));
      __builtin_memset(s.q + r * e, 0, static_cast<size_t>(e) * sizeof(uint16_t));
    }
    s.means[r] = _mm512_reduce_add_ps(mean);
    s.log_sums[r] = r < rows.count ? t.log_sum[r] : 0.0F;
  }
}

// From scores and gradients of weights, keys [first_key, + 32) by 32 rows, to what is multiplied next.
void DifferentiateBlock(const Rows& rows, const BackwardScratch& s, int64_t first, int64_t panel, int64_t first_key) {
  const __m512 scale = _mm512_set1_ps(rows.t.scale);
  __m512i last_keys[2];
  __m512 means[2], log_sums[2];
  const int64_t row = first + panel * kPanel;
  for (int64_t half = 0; half < 2; ++half) {
    last_keys[half] = rows.LastKeys(row + half * kSide);
    means[half] = _mm512_loadu_ps(s.means + row + half * kSide);
    log_sums[half] = _mm512_loadu_ps(s.log_sums + row + half * kSide);
  }
  uint16_t* right = s.d_scores_right + panel * kPanel * rows.keys + first_key / kPanel * 2 * kElements;
  for (int64_t key = 0; key < kPanel; key += 2) {
    __m512 weights[2][2], d_scores[2][2];  // [key][half]
    for (int64_t i = 0; i < 2; ++i) {
      for (int64_t half = 0; half < 2; ++half) {
        const int64_t at = (key + i) * kPanel + half * kSide;
        const __m512 shifted = _mm512_fmsub_ps(_mm512_loadu_ps(s.scores + at), scale, log_sums[half]);
        weights[i][half] = _mm512_maskz_mov_ps(Seen(last_keys[half], first_key + key + i), Exp(shifted));
        const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(s.d_weights + at), means[half]);
        d_scores[i][half] = _mm512_mul_ps(_mm512_mul_ps(weights[i][half], d), scale);
      }
      // A row of a left-hand tile: a key, 32 query rows.
      const int64_t tile = 2 * panel + (key + i) / kSide, offset = tile * kElements + (key + i) % kSide * kPairs;
      StoreHalf(s.weights_left + offset, weights[i][0]);
      StoreHalf(s.weights_left + offset + kSide, weights[i][1]);
      StoreHalf(s.d_scores_left + offset, d_scores[i][0]);
      StoreHalf(s.d_scores_left + offset + kSide, d_scores[i][1]);
    }
    for (int64_t half = 0; half < 2; ++half) {
      _mm512_storeu_si512(right + half * kElements + key / 2 * kPairs, PairRows(d_scores[0][half], d_scores[1][half]));
    }
  }
}

void WriteQueryGradients(const Rows& rows, const BackwardScratch& s, int64_t first, int64_t panel, int64_t key_panels) {
  const TileAttention& t = rows.t;
  const int64_t e = t.head_dim;
  for (int64_t p = 0; p < e / kPanel; ++p) {
    MultiplyPanels(s.k_columns + p * kPanel * rows.keys, s.d_scores_right + panel * kPanel * rows.keys, key_panels,
                   s.d_q, false);
    TransposeBlock(s.d_q, s.row + p * kPanel, e);
  }
  for (int64_t i = 0; i < kPanel; ++i) {
    const int64_t row = first + panel * kPanel + i;
    if (row >= rows.count) return;
    const int64_t angle = rows.TokenOf(row) * rows.half;
    RotateBack(s.row + i * e, t.cos + angle, t.sin + angle, e, t.d_q + rows.Place(row, t.stride));
  }
}

void BackwardPanels(const Rows& rows, const BackwardScratch& s, int64_t first) {
  const int64_t e = rows.t.head_dim, tiles = e / kPairs, count = kRowPanels * kPanel;
  const int64_t key_panels = rows.KeyPanels(first + count - 1);
  PackRightPanels({s.q + first * e, e, true}, e, count, s.q_right);
  PackRightPanels({s.d_out + first * e, e, true}, e, count, s.d_out_right);
  PackRightPanels({s.q + first * e, e, false}, count, e, s.q_rows);
  PackRightPanels({s.d_out + first * e, e, false}, count, e, s.d_out_rows);
  for (int64_t k = 0; k < key_panels; ++k) {
    const int64_t keys = k * kPanel * e;
    for (int64_t panel = 0; panel < kRowPanels; ++panel) {
      MultiplyPanels(s.k_left + keys, s.q_right + panel * kPanel * e, tiles, s.scores, false);
      MultiplyPanels(s.v_left + keys, s.d_out_right + panel * kPanel * e, tiles, s.d_weights, false);
      DifferentiateBlock(rows, s, first, panel, k * kPanel);
    }
    for (int64_t p = 0; p < tiles; ++p) {
      const int64_t columns = p * kPanel * count, sums = keys + p * kBlock;
      MultiplyPanels(s.weights_left, s.d_out_rows + columns, kRowPanels, s.d_v + sums, true);
      MultiplyPanels(s.d_scores_left, s.q_rows + columns, kRowPanels, s.d_k + sums, true);
    }
  }
  for (int64_t panel = 0; panel < kRowPanels; ++panel) WriteQueryGradients(rows, s, first, panel, key_panels);
}

// Row `key` of sums that lie in blocks of 32 × 32, to `row`.
void GatherBlocks(const float* sums, int64_t key, int64_t head_dim, float* row) {
  for (int64_t p = 0; p < head_dim / kPanel; ++p) {
    const float* from = sums + key / kPanel * kPanel * head_dim + p * kBlock + key % kPanel * kPanel;
    __builtin_memcpy(row + p * kPanel, from, kPanel * sizeof(float));
  }
}

void WriteKeyGradients(const Rows& rows, const BackwardScratch& s) {
  const TileAttention& t = rows.t;
  for (int64_t i = 0; i < t.tokens; ++i) {
    GatherBlocks(s.d_k, i, t.head_dim, s.row);
    RotateBack(s.row, t.cos + i * rows.half, t.sin + i * rows.half, t.head_dim, t.d_k + i * t.stride);
    GatherBlocks(s.d_v, i, t.head_dim, s.row);
    for (int64_t d = 0; d < t.head_dim; d += kSide) StoreHalf(t.d_v + i * t.stride + d, _mm512_loadu_ps(s.row + d));
  }
}

}  // namespace

int64_t TileAttentionScratch(int64_t head_dim, int64_t tokens, int64_t group) {
  return ForwardScratch(head_dim, tokens, group, Pieces(nullptr)).bytes;
}
int64_t TileAttentionBackwardScratch(int64_t head_dim, int64_t tokens, int64_t group) {
  return BackwardScratch(head_dim, tokens, group, Pieces(nullptr)).bytes;
}

void AttendTiles(const TileAttention& task, void* scratch) {
  const TilesInUse in_use;
  const Rows rows(task);
  const int64_t e = task.head_dim;
  const ForwardScratch s(e, task.tokens, task.group, Pieces(scratch));
  rows.RotateQueries(s.q);
  __builtin_memset(s.q + rows.count * e, 0, static_cast<size_t>((RoundUp(rows.count) - rows.count) * e) * 2);
  rows.RotateKeys(s.k);
  PackLeftPanels({s.k, e, false}, task.tokens, e, s.k_left);
  PackLeftPanels({task.v, task.stride, true}, e, task.tokens, s.v_left);
  for (int64_t first = 0; first < rows.count; first += kPanel) AttendPanel(rows, s, first);
}

void AttendTilesBackward(const TileAttention& task, void* scratch) {
  const TilesInUse in_use;
  const Rows rows(task);
  const int64_t e = task.head_dim;
  const BackwardScratch s(e, task.tokens, task.group, Pieces(scratch));
  rows.RotateQueries(s.q);
  rows.RotateKeys(s.k);
  GatherRows(rows, s);
  PackLeftPanels({s.k, e, false}, task.tokens, e, s.k_left);
  PackLeftPanels({s.k, e, true}, e, task.tokens, s.k_columns);
  PackLeftPanels({task.v, task.stride, false}, task.tokens, e, s.v_left);
  __builtin_memset(s.d_k, 0, static_cast<size_t>(rows.keys * e) * sizeof(float));
  __builtin_memset(s.d_v, 0, static_cast<size_t>(rows.keys * e) * sizeof(float));
  for (int64_t first = 0; first < rows.count; first += kRowPanels * kPanel) BackwardPanels(rows, s, first);
  WriteKeyGradients(rows, s);
}

}  // namespace jade::backbone

#else

#include "compiler/result/check.h"

namespace jade::backbone {

int64_t TileAttentionScratch(int64_t, int64_t, int64_t) {
  return 0;
}
int64_t TileAttentionBackwardScratch(int64_t, int64_t, int64_t) {
  return 0;
}
void AttendTiles(const TileAttention&, void*) {
  JADE_CHECK(false, "this processor has no tiles");
}
void AttendTilesBackward(const TileAttention&, void*) {
  JADE_CHECK(false, "this processor has no tiles");
}

}  // namespace jade::backbone

#endif
