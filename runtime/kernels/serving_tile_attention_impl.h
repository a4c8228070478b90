// Attention over bf16 keys and values in tiles; included after serving_attention_impl.h, whose order of chunks and whose
// weighing it shares. A block's keys are tiles of 32 numbers by 16 tokens as they lie, its values tiles of 16 tokens by
// 16 numbers.
//
// Registers: 0 … 3 scores of a chunk's blocks, or weighted values of 64 numbers; 4 and 5 queries or weights, of 32 and
// of 16 numbers; 6 and 7 keys or values that go with them.

constexpr int64_t kStepNumbers = 2 * kTileWords;
static_assert(kKeyChunk == 4 * kKvTokens && kMostTileQueries == kTileRows && kLanes == kTileColumns);

// The rows of a tile one behind the other, and what is computed of a chunk.
struct TileScratch {
  alignas(64) uint16_t q[kTileRows * kMostHeadDim];
  float out[kTileRows * kMostHeadDim];    // weighted values so far
  float added[kTileRows * kMostHeadDim];  // of this chunk
  float scores[kTileRows][kKeyChunk];
  uint16_t weights[kTileRows][kKeyChunk];
  float correction[kTileRows];
  uint32_t last[kKvTokens / 2 * kMostHeadDim];  // values of a block that is not full, then zeros
};

template <int kBlock>
inline void ScoreBlock(const AttentionTile& t, int64_t chunk, int64_t blocks, int64_t dim) {
  if (kBlock >= blocks) return;
  const char* keys = BlockOf(t, chunk * kBlocksInChunk + kBlock) + dim * kKvTokens * 2;
  if (dim + kStepNumbers <= t.head_dim) {
    LoadTile<6>(keys, kTileBytes);
    MultiplyTiles<kBlock, 4, 6>();
  } else {
    LoadTile<7>(keys, kTileBytes);
    MultiplyTiles<kBlock, 5, 7>();
  }
}

inline void ScoresInTiles(const AttentionTile& t, int64_t chunk, int64_t blocks, TileScratch& s) {
  ZeroTile<0>();
  ZeroTile<1>();
  ZeroTile<2>();
  ZeroTile<3>();
  for (int64_t dim = 0; dim < t.head_dim; dim += kStepNumbers) {
    if (dim + kStepNumbers <= t.head_dim) {
      LoadTile<4>(s.q + dim, t.head_dim * 2);
    } else {
      LoadTile<5>(s.q + dim, t.head_dim * 2);
    }
    ScoreBlock<0>(t, chunk, blocks, dim);
    ScoreBlock<1>(t, chunk, blocks, dim);
    ScoreBlock<2>(t, chunk, blocks, dim);
    ScoreBlock<3>(t, chunk, blocks, dim);
  }
  StoreTile<0>(s.scores[0], kKeyChunk * 4);
  StoreTile<1>(s.scores[0] + kKvTokens, kKeyChunk * 4);
  StoreTile<2>(s.scores[0] + 2 * kKvTokens, kKeyChunk * 4);
  StoreTile<3>(s.scores[0] + 3 * kKvTokens, kKeyChunk * 4);
}

// Scales a row's scores, takes out those of keys that it does not see, and returns the largest so far.
inline float ScaleScores(float* scores, float scale, int64_t seen, float before) {
  constexpr IntVec kLane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Vec tops = Splat(before);
  for (int64_t i = 0; i < kKeyChunk; i += kLanes) {
    Vec score = Load(scores + i) * scale;
    if (seen < i + kLanes) score = kLane < static_cast<int32_t>(seen - i) ? score : Splat(-__builtin_inff());
    Store(scores + i, score);
    tops = score > tops ? score : tops;
  }
  return LargestOf(tops);
}

// As Weigh, without a way through memory.
inline float WeighInRegisters(const float* scores, float largest, uint16_t* weights) {
  Vec total{};
  for (int64_t i = 0; i < kKeyChunk; i += kLanes) {
    const auto half = (__m256i)_mm512_cvtneps_pbh((__m512)PowerOfTwo(Load(scores + i) - largest));
    *reinterpret_cast<__m256i_u*>(weights + i) = half;
    total += (Vec)_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16);
  }
  return SumOf(total);
}

inline void WeighTile(const AttentionTile& t, int64_t chunk, TileScratch& s) {
  const float scale = t.scale * 1.44269504f;  // weights are powers of two
  alignas(64) float largest[kTileRows], change[kTileRows] = {};
  for (int64_t r = 0; r < t.rows; ++r) {
    const float before = t.state->highest[r];
    largest[r] = ScaleScores(s.scores[r], scale, t.limit[r] - chunk * kKeyChunk, before);
    change[r] = before - largest[r];
    t.state->highest[r] = largest[r];
  }
  Store(s.correction, PowerOfTwo(Load(change)));
  for (int64_t r = 0; r < t.rows; ++r) {
    t.state->sum[r] =
        t.state->sum[r] * s.correction[r] + WeighInRegisters(s.scores[r], largest[r], s.weights[r]);
  }
}

// The values of a block of which `tokens` are there: what lies behind them may be anything, and 0 times it too.
inline const char* ValuesOf(const AttentionTile& t, int64_t block, int64_t tokens, TileScratch& s) {
  const char* values = BlockOf(t, block) + kKvTokens * t.head_dim * 2;
  if (tokens >= kKvTokens) return values;
  const auto there = static_cast<unsigned long>((tokens + 1) / 2 * t.head_dim) * 4;
  __builtin_memcpy(s.last, values, there);
  __builtin_memset(reinterpret_cast<char*>(s.last) + there, 0,
                   static_cast<unsigned long>(kKvTokens / 2 * t.head_dim) * 4 - there);
  return reinterpret_cast<const char*>(s.last);
}

template <int kColumn, int kColumns>
inline void AddBlock(const char* values, int64_t stride) {
  if constexpr (kColumn < kColumns) {
    LoadTile<7>(values + kColumn * kTileBytes, stride);
    MultiplyTiles<kColumn, 5, 7>();
  }
}

// added[r] = weights[r]·values for kColumns tiles of numbers from `dim` on.
template <int kColumns>
inline void WeighValues(const AttentionTile& t, int64_t dim, const char* const* values, int64_t blocks,
                        TileScratch& s) {
  const int64_t stride = t.head_dim * 4;
  ZeroTile<0>();
  if constexpr (kColumns > 1) {
    ZeroTile<1>();
    ZeroTile<2>();
    ZeroTile<3>();
  }
  for (int64_t b = 0; b < blocks; ++b) {
    LoadTile<5>(s.weights[0] + b * kKvTokens, kKeyChunk * 2);
    const char* from = values[b] + dim * 4;
    AddBlock<0, kColumns>(from, stride);
    AddBlock<1, kColumns>(from, stride);
    AddBlock<2, kColumns>(from, stride);
    AddBlock<3, kColumns>(from, stride);
  }
  float* to = s.added + dim;
  StoreTile<0>(to, stride);
  if constexpr (kColumns > 1) {
    StoreTile<1>(to + kTileColumns, stride);
    StoreTile<2>(to + 2 * kTileColumns, stride);
    StoreTile<3>(to + 3 * kTileColumns, stride);
  }
}

// out[r] = out[r]·correction[r] + weights[r]·values.
inline void AddValuesInTiles(const AttentionTile& t, int64_t chunk, int64_t tokens, TileScratch& s) {
  const char* values[kBlocksInChunk];
  const int64_t blocks = (tokens + kKvTokens - 1) / kKvTokens;
  for (int64_t b = 0; b < blocks; ++b) values[b] = ValuesOf(t, chunk * kBlocksInChunk + b, tokens - b * kKvTokens, s);
  int64_t dim = 0;
  for (; dim + 4 * kTileColumns <= t.head_dim; dim += 4 * kTileColumns) WeighValues<4>(t, dim, values, blocks, s);
  for (; dim < t.head_dim; dim += kTileColumns) WeighValues<1>(t, dim, values, blocks, s);
  for (int64_t r = 0; r < t.rows; ++r) {
    const Vec correction = Splat(s.correction[r]);
    for (int64_t i = r * t.head_dim; i < (r + 1) * t.head_dim; i += kLanes) {
      Store(s.out + i, Fma(Load(s.out + i), correction, Load(s.added + i)));
    }
  }
}

void AttentionInTiles(const AttentionTile& t) {
  TileScratch s;
  TileShape shape;
  for (int tile = 0; tile < 5; ++tile) shape.Set(tile, t.rows);
  shape.Set(5, t.rows, kTileBytes / 2);
  shape.Set(6, kTileWords);
  shape.Set(7, kTileWords / 2);
  shape.Load();
  const auto numbers = static_cast<unsigned long>(t.head_dim);
  int64_t limit = 0;
  for (int64_t r = 0; r < t.rows; ++r) {
    __builtin_memcpy(s.q + r * t.head_dim, t.q[r], numbers * 2);
    __builtin_memcpy(s.out + r * t.head_dim, t.out[r], numbers * 4);
    limit = t.limit[r] > limit ? t.limit[r] : limit;
  }
  for (int64_t chunk = t.first_chunk; chunk < t.last_chunk && chunk * kKeyChunk < limit; ++chunk) {
    const int64_t tokens = Least(kKeyChunk, limit - chunk * kKeyChunk);
    ScoresInTiles(t, chunk, (tokens + kKvTokens - 1) / kKvTokens, s);
    WeighTile(t, chunk, s);
    AddValuesInTiles(t, chunk, tokens, s);
  }
  for (int64_t r = 0; r < t.rows; ++r) __builtin_memcpy(t.out[r], s.out + r * t.head_dim, numbers * 4);
}
