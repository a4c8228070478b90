// Attention over bf16 keys and values in tiles; included after serving_attention_impl.h, whose order of chunks and
// whose weighing it shares. A block's keys are tiles of 32 numbers by 16 tokens as they lie, its values tiles of 16
// tokens by 16 numbers.
//
// Registers: 0 … 3 scores of a chunk's blocks, or weighted values of 64 numbers; 4 and 5 queries or weights, of 32 and
// of 16 numbers; 6 and 7 keys or values that go with them.

constexpr int64_t kStepNumbers = 2 * kTileWords;
static_assert(kKeyChunk == 4 * kKvTokens && kMostTileQueries == kTileRows && kLanes == kTileColumns);

// Of a chunk: scores, then weights; both are still needed while the chunk after it is begun.
struct ChunkScratch {
  alignas(64) float scores[kTileRows][kKeyChunk];
  uint16_t weights[kTileRows][kKeyChunk];
  Vec correction{};  // of each row
};

// The rows of a tile one behind the other.
struct TileScratch {
  alignas(64) uint16_t q[kTileRows * kMostHeadDim];
  float out[kTileRows * kMostHeadDim];          // weighted values so far
  float added[kTileRows * kMostHeadDim];        // of a chunk
  uint32_t last[kKvTokens / 2 * kMostHeadDim];  // values of a block that is not full, then zeros
  ChunkScratch chunk[2];
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

// The tokens of a chunk that any row sees.
inline int64_t TokensOf(int64_t chunk, int64_t limit) {
  return Least(kKeyChunk, limit - chunk * kKeyChunk);
}

// Of blocks that are not there, 0.
inline void ScoresInTiles(const AttentionTile& t, int64_t chunk, int64_t limit, TileScratch& s) {
  const int64_t blocks = (TokensOf(chunk, limit) + kKvTokens - 1) / kKvTokens;
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
  float* scores = s.chunk[chunk % 2].scores[0];
  StoreTile<0>(scores, kKeyChunk * 4);
  StoreTile<1>(scores + kKvTokens, kKeyChunk * 4);
  StoreTile<2>(scores + 2 * kKvTokens, kKeyChunk * 4);
  StoreTile<3>(scores + 3 * kKvTokens, kKeyChunk * 4);
}

// rows[r] of 16 rows in one lane each: lanes are joined with those 8 beside them, then 4, 2, 1.
template <typename Join>
inline Vec JoinLanes(const Vec (&rows)[kTileRows], Join join) {
  __m512 eight[8], four[4], two[2];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const auto a = (__m512)rows[i], b = (__m512)rows[i + 8];
    eight[i] = join(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    four[i] =
        join(_mm512_shuffle_f32x4(eight[i], eight[i + 4], 0x88), _mm512_shuffle_f32x4(eight[i], eight[i + 4], 0xdd));
  }
#pragma GCC unroll 2
  for (int i = 0; i < 2; ++i) {
    two[i] = join(_mm512_shuffle_ps(four[i], four[i + 2], 0x44), _mm512_shuffle_ps(four[i], four[i + 2], 0xee));
  }
  const __m512 joined = join(_mm512_shuffle_ps(two[0], two[1], 0x88), _mm512_shuffle_ps(two[0], two[1], 0xdd));
  const __m512i order = _mm512_setr_epi32(0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15);
  return (Vec)_mm512_permutexvar_ps(order, joined);
}

// Takes out the scores of keys that a row does not see.
inline void HideScores(float* scores, int64_t seen) {
  constexpr IntVec kLane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  for (int64_t i = 0; i < kKeyChunk; i += kLanes) {
    Store(scores + i, kLane < static_cast<int32_t>(seen - i) ? Load(scores + i) : Splat(-__builtin_inff()));
  }
}

// A row's weights under its largest score, and of each lane their sum.
inline Vec WeighRow(const float* scores, float scale, float largest, uint16_t* weights) {
  Vec total{};
#pragma GCC unroll 2
  for (int64_t i = 0; i < kKeyChunk; i += 2 * kLanes) {
    const Vec low = PowerOfTwo(Fma(Load(scores + i), Splat(scale), Splat(-largest)));
    const Vec high = PowerOfTwo(Fma(Load(scores + i + kLanes), Splat(scale), Splat(-largest)));
    const auto both = (__m512i)_mm512_cvtne2ps_pbh((__m512)high, (__m512)low);
    _mm512_store_si512(weights + i, both);
    total += AsFloat((WordVec)both << 16) + AsFloat((WordVec)both & 0xffff0000U);
  }
  return total;
}

// Scores to weights under the running maximum. A score that is not a number is passed over in the maximum; its weight
// is none either, and so the logits are not.
inline void WeighTile(const AttentionTile& t, int64_t chunk, ChunkScratch& s) {
  const float scale = t.scale * 1.44269504f;  // weights are powers of two
  Vec rows[kTileRows] = {};
  for (int64_t r = 0; r < t.rows; ++r) {
    const int64_t seen = t.limit[r] - chunk * kKeyChunk;
    if (seen < kKeyChunk) HideScores(s.scores[r], seen);
    Vec tops = Splat(-__builtin_inff());
    for (int64_t i = 0; i < kKeyChunk; i += kLanes) {
      const Vec score = Load(s.scores[r] + i);
      tops = score > tops ? score : tops;
    }
    rows[r] = tops;
  }
  const Vec before = Load(t.state->highest);
  const Vec tops = JoinLanes(rows, [](__m512 a, __m512 b) { return _mm512_max_ps(a, b); }) * scale;
  const Vec largest = tops > before ? tops : before;
  s.correction = PowerOfTwo(before - largest);
  Store(t.state->highest, largest);
  for (int64_t r = 0; r < t.rows; ++r) rows[r] = WeighRow(s.scores[r], scale, t.state->highest[r], s.weights[r]);
  const Vec sums = JoinLanes(rows, [](__m512 a, __m512 b) { return _mm512_add_ps(a, b); });
  Store(t.state->sum, Fma(Load(t.state->sum), s.correction, sums));
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
                        const ChunkScratch& chunk, TileScratch& s) {
  const int64_t stride = t.head_dim * 4;
  ZeroTile<0>();
  if constexpr (kColumns > 1) {
    ZeroTile<1>();
    ZeroTile<2>();
    ZeroTile<3>();
  }
  for (int64_t b = 0; b < blocks; ++b) {
    LoadTile<5>(chunk.weights[0] + b * kKvTokens, kKeyChunk * 2);
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

// added = weights · values.
inline void WeighValuesOf(const AttentionTile& t, int64_t chunk, int64_t limit, TileScratch& s) {
  const char* values[kBlocksInChunk];
  const int64_t tokens = TokensOf(chunk, limit), blocks = (tokens + kKvTokens - 1) / kKvTokens;
  for (int64_t b = 0; b < blocks; ++b) values[b] = ValuesOf(t, chunk * kBlocksInChunk + b, tokens - b * kKvTokens, s);
  const ChunkScratch& of = s.chunk[chunk % 2];
  int64_t dim = 0;
  for (; dim + 4 * kTileColumns <= t.head_dim; dim += 4 * kTileColumns) WeighValues<4>(t, dim, values, blocks, of, s);
  for (; dim < t.head_dim; dim += kTileColumns) WeighValues<1>(t, dim, values, blocks, of, s);
}

// out[r] = out[r]·correction[r] + added[r].
inline void AddValues(const AttentionTile& t, Vec corrections, TileScratch& s) {
  for (int64_t r = 0; r < t.rows; ++r) {
    const Vec correction = (Vec)_mm512_permutexvar_ps(_mm512_set1_epi32(static_cast<int>(r)), (__m512)corrections);
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
  const int64_t last = Least(t.last_chunk, (limit + kKeyChunk - 1) / kKeyChunk);
  // The tiles of the chunks before and after are multiplied while this one's scores are weighed.
  if (t.first_chunk < last) ScoresInTiles(t, t.first_chunk, limit, s);
  for (int64_t chunk = t.first_chunk; chunk <= last && t.first_chunk < last; ++chunk) {
    if (chunk + 1 < last) ScoresInTiles(t, chunk + 1, limit, s);
    if (chunk > t.first_chunk) WeighValuesOf(t, chunk - 1, limit, s);
    const Vec correction = s.chunk[(chunk + 1) % 2].correction;
    if (chunk < last) WeighTile(t, chunk, s.chunk[chunk % 2]);
    if (chunk > t.first_chunk) AddValues(t, correction, s);
  }
  for (int64_t r = 0; r < t.rows; ++r) __builtin_memcpy(t.out[r], s.out + r * t.head_dim, numbers * 4);
}
