// Attention of a tile of queries over a run of chunks, with running maximum and sum (Milakov & Gimelshein 2018,
// https://arxiv.org/abs/1805.02867); included inside the namespace of an instruction set, after serving_simd_impl.h.
//
// Keys of a block: [words of the head][16 tokens]. Values: [words of the tokens][head_dim], a word being one token's
// number or those of two tokens.

constexpr int64_t kBlocksInChunk = kKeyChunk / kKvTokens;
// Blocks whose scores are summed at a time, so that a tile fills the registers.
constexpr int64_t kBlocksAtOnce = JADE_VECTOR_BYTES == 64 ? 4 : 1;
constexpr int64_t kBlockVectors = kKvTokens / kLanes;
constexpr int64_t kValueVectors = JADE_VECTOR_BYTES == 64 ? 4 : 2;

inline int64_t Least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

inline const char* BlockOf(const AttentionTile& t, int64_t block) {
  return t.storage + static_cast<int64_t>(t.blocks[block]) * t.block_stride;
}

// scores[r][64] of one chunk of which `blocks` blocks are there; what lies behind them is not a number of any use.
template <Number kNumber, int kRows>
inline void Scores(const AttentionTile& t, int64_t chunk, int64_t blocks, float (*scores)[kKeyChunk]) {
  constexpr int64_t kVectors = kBlocksAtOnce * kBlockVectors;
  const int64_t words = t.head_dim * NumberBytes(kNumber) / 4;
  const float scale = t.scale * 1.44269504f;  // weights are powers of two
  for (int64_t first = 0; first < blocks; first += kBlocksAtOnce) {
    const char* keys[kBlocksAtOnce];
    for (int64_t b = 0; b < kBlocksAtOnce; ++b) {
      keys[b] = BlockOf(t, chunk * kBlocksInChunk + Least(first + b, blocks - 1));
    }
    Vec acc[kRows][kVectors];
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) acc[r][v] = Vec{};
    }
    for (int64_t k = 0; k < words; ++k) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Words<kNumber> key(keys[v / kBlockVectors] + (k * kKvTokens + v % kBlockVectors * kLanes) * 4);
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
          acc[r][v] = key.MultiplyAdd(static_cast<const uint32_t*>(t.q[r])[k], acc[r][v]);
        }
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int v = 0; v < kVectors; ++v) Store(scores[r] + first * kKvTokens + v * kLanes, acc[r][v] * scale);
    }
  }
}

// A row's largest score so far. A score that is not a number is passed over here; its weight is none either, and so the
// logits are not.
inline float Largest(const float* scores, float before) {
  Vec tops = Splat(before);
  for (int64_t i = 0; i < kKeyChunk; i += kLanes) tops = Load(scores + i) > tops ? Load(scores + i) : tops;
  return LargestOf(tops);
}

// Scores to weights under the largest score; returns their sum.
template <Number kNumber>
inline float Weigh(const float* scores, float largest, void* weights) {
  Vec total{};
  for (int64_t i = 0; i < kKeyChunk; i += kLanes) {
    Vec w = PowerOfTwo(Load(scores + i) - largest);
    if constexpr (kNumber == Number::kBf16) {
      auto* half = static_cast<uint16_t*>(weights) + i;
      StoreBf16(half, w);
      w = Load(half);
    } else {
      Store(static_cast<float*>(weights) + i, w);
    }
    total += w;
  }
  return SumOf(total);
}

// All rows of a tile: scores to weights under the running maximum. `correction` is what a row's values and sum so far
// are multiplied with. Keys that a row does not see have weight 0.
template <Number kNumber, int kRows>
inline void WeighRows(const AttentionTile& t, int64_t chunk, float (*scores)[kKeyChunk], uint32_t (*weights)[kKeyChunk],
                      float* correction) {
  static_assert(kVectorTileQueries <= 8);
  float change[kLanes < 8 ? 8 : kLanes] = {};
  float largest[kRows];
  for (int r = 0; r < kRows; ++r) {
    const int64_t left = t.limit[r] - chunk * kKeyChunk;
    for (int64_t i = left < 0 ? 0 : left; i < kKeyChunk; ++i) scores[r][i] = -__builtin_inff();
    largest[r] = Largest(scores[r], t.state->highest[r]);
    change[r] = t.state->highest[r] - largest[r];
  }
  for (int64_t i = 0; i < kRows; i += kLanes) Store(change + i, PowerOfTwo(Load(change + i)));
  for (int r = 0; r < kRows; ++r) {
    correction[r] = change[r];
    t.state->highest[r] = largest[r];
    t.state->sum[r] = t.state->sum[r] * change[r] + Weigh<kNumber>(scores[r], largest[r], weights[r]);
  }
}

// out[r] = out[r]·correction[r] + weights[r]·values, for kVectors vectors of dimensions.
template <Number kNumber, int kRows, int kVectors>
inline void AddValues(const AttentionTile& t, int64_t chunk, int64_t tokens, int64_t first_dim,
                      const uint32_t (*weights)[kKeyChunk], const float* correction) {
  constexpr int64_t kTokensInWord = 4 / (kNumber == Number::kFp32 ? 4 : 2);
  const int64_t keys_bytes = kKvTokens * t.head_dim * NumberBytes(kNumber);
  Vec acc[kRows][kVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) acc[r][v] = Load(t.out[r] + first_dim + v * kLanes) * correction[r];
  }
  for (int64_t b = 0; b * kKvTokens < tokens; ++b) {
    const char* values = BlockOf(t, chunk * kBlocksInChunk + b) + keys_bytes;
    const int64_t words = (Least(kKvTokens, tokens - b * kKvTokens) + kTokensInWord - 1) / kTokensInWord;
    for (int64_t w = 0; w < words; ++w) {
      const char* row = values + (w * t.head_dim + first_dim) * 4;
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Words<kNumber> value(row + v * kLanes * 4);
#pragma GCC unroll 6
        for (int r = 0; r < kRows; ++r) {
          acc[r][v] = value.MultiplyAdd(weights[r][b * kKvTokens / kTokensInWord + w], acc[r][v]);
        }
      }
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) Store(t.out[r] + first_dim + v * kLanes, acc[r][v]);
  }
}

template <Number kNumber, int kRows>
void AttentionOf(const AttentionTile& t) {
  float scores[kRows][kKeyChunk];
  uint32_t weights[kRows][kKeyChunk];  // words; half of them unused for bf16
  float correction[kRows];
  int64_t limit = 0;
  for (int r = 0; r < kRows; ++r) limit = t.limit[r] > limit ? t.limit[r] : limit;
  for (int64_t chunk = t.first_chunk; chunk < t.last_chunk && chunk * kKeyChunk < limit; ++chunk) {
    const int64_t tokens = Least(kKeyChunk, limit - chunk * kKeyChunk);
    Scores<kNumber, kRows>(t, chunk, (tokens + kKvTokens - 1) / kKvTokens, scores);
    WeighRows<kNumber, kRows>(t, chunk, scores, weights, correction);
    int64_t dim = 0;
    for (; dim + kValueVectors * kLanes <= t.head_dim; dim += kValueVectors * kLanes) {
      AddValues<kNumber, kRows, kValueVectors>(t, chunk, tokens, dim, weights, correction);
    }
    for (; dim < t.head_dim; dim += kLanes) {
      AddValues<kNumber, kRows, 1>(t, chunk, tokens, dim, weights, correction);
    }
  }
}

template <Number kNumber>
void AttentionByRows(const AttentionTile& t) {
  static constexpr void (*kFunctions[])(const AttentionTile&) = {
      AttentionOf<kNumber, 1>, AttentionOf<kNumber, 2>, AttentionOf<kNumber, 3>,
      AttentionOf<kNumber, 4>, AttentionOf<kNumber, 5>, AttentionOf<kNumber, 6>,
  };
  kFunctions[t.rows - 1](t);
}

void FinishAttention(const float* values, float sum, void* out, Number number, int64_t head_dim) {
  const float inverse = 1.0f / sum;
  float scaled[kLanes];
  char* to = static_cast<char*>(out);
  for (int64_t d = 0; d < head_dim; d += kLanes) {
    Store(scaled, Load(values + d) * inverse);
    Convert(scaled, to + d * NumberBytes(number), number, kLanes);
  }
}
