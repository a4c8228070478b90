// The kernels of cpu_kernels.h, included once for each instruction set with JADE_KERNEL_* and JADE_VECTOR_BYTES set. It
// includes no library header with inline functions: those would be compiled for this instruction set and could be
// picked by the linker for all of the program.
#include "runtime/backbone/cpu_kernels.h"

namespace jade::backbone {
namespace JADE_KERNEL_NAMESPACE {
namespace {

#include "runtime/kernels/simd_impl.h"

float SquareRoot(float x) {
  return __builtin_sqrtf(x);
}

inline Vec SquareRoot(Vec x) {
  for (int64_t lane = 0; lane < kLanes; ++lane) x[lane] = SquareRoot(x[lane]);
  return x;
}

#include "runtime/backbone/cpu_kernels_training_impl.h"

void RmsNorm(const float* x, const float* weight, float* y, float* inverse_rms, int64_t rows, int64_t width,
             float eps) {
  for (int64_t row = 0; row < rows; ++row, x += width, y += width) {
    const float inverse = 1.0f / SquareRoot(Dot(x, x, width) / static_cast<float>(width) + eps);
    if (inverse_rms != nullptr) inverse_rms[row] = inverse;
    JADE_FOR_VECTORS(
        i, width, { Store(y + i, Load(x + i) * inverse * Load(weight + i)); },
        { StorePart(y + i, LoadPart(x + i, rest) * inverse * LoadPart(weight + i, rest), rest); });
  }
}

void RmsNormBackward(const float* dy, const float* x, const float* weight, const float* inverse_rms, float* dx,
                     float* d_weight, int64_t rows, int64_t width) {
  for (int64_t row = 0; row < rows; ++row, x += width, dy += width, dx += width) {
    const float inverse = inverse_rms[row];
    Vec sum{};
    {
      JADE_FOR_VECTORS(
          i, width, { sum += Load(dy + i) * Load(weight + i) * Load(x + i); },
          { sum += LoadPart(dy + i, rest) * LoadPart(weight + i, rest) * LoadPart(x + i, rest); });
    }
    const float pull = Sum(sum) * inverse * inverse * inverse / static_cast<float>(width);
    const auto step = [&](Vec g, Vec w, Vec v, Vec old, Vec* d_x) {
      *d_x = g * w * inverse - v * pull;
      return old + g * v * inverse;
    };
    Vec d_x;
    JADE_FOR_VECTORS(
        i, width,
        {
          Store(d_weight + i, step(Load(dy + i), Load(weight + i), Load(x + i), Load(d_weight + i), &d_x));
          Store(dx + i, d_x);
        },
        {
          StorePart(d_weight + i,
                    step(LoadPart(dy + i, rest), LoadPart(weight + i, rest), LoadPart(x + i, rest),
                         LoadPart(d_weight + i, rest), &d_x),
                    rest);
          StorePart(dx + i, d_x, rest);
        });
  }
}

void Rotary(const float* x, const float* cos, const float* sin, float* y, int64_t rows, int64_t heads, int64_t head_dim,
            int64_t row_width, float sign) {
  const int64_t half = head_dim / 2;
  for (int64_t row = 0; row < rows; ++row, x += row_width, y += row_width, cos += half, sin += half) {
    for (int64_t head = 0; head < heads; ++head) {
      const float* a = x + head * head_dim;
      float* out = y + head * head_dim;
      for (int64_t i = 0; i < half; ++i) {
        const float first = a[i], second = a[i + half], c = cos[i], s = sin[i] * sign;
        out[i] = first * c - second * s;
        out[i + half] = second * c + first * s;
      }
    }
    if (y == x) continue;
    __builtin_memcpy(y + heads * head_dim, x + heads * head_dim,
                     static_cast<unsigned long>(row_width - heads * head_dim) * sizeof(float));
  }
}

// ---- Matrix products of attention: small, strided, in registers.

struct Matrix {  // element (i, j) at data[i·row + j·column]
  const float* data;
  int64_t row, column;
};

constexpr int kTileRows = 6;
constexpr int kTileVectors = 2;

// c[rows × 2 vectors] (+)= a · b, b and c with unit column stride.
template <int kRows>
inline void Tile(Matrix a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t depth, bool accumulate) {
  Vec sums[kRows][kTileVectors];
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kTileVectors; ++v) sums[r][v] = accumulate ? Load(c + r * c_row + v * kLanes) : Vec{};
  }
  for (int64_t k = 0; k < depth; ++k) {
    const Vec b0 = Load(b + k * b_row), b1 = Load(b + k * b_row + kLanes);
    const float* column = a.data + k * a.column;
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
      const float value = column[r * a.row];
      sums[r][0] += value * b0;
      sums[r][1] += value * b1;
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kTileVectors; ++v) Store(c + r * c_row + v * kLanes, sums[r][v]);
  }
}

inline void TileColumn(int64_t rows, Matrix a, const float* b, int64_t b_row, float* c, int64_t c_row, int64_t depth,
                       bool accumulate) {
  int64_t r = 0;
  for (; r + kTileRows <= rows; r += kTileRows) {
    Tile<kTileRows>({a.data + r * a.row, a.row, a.column}, b, b_row, c + r * c_row, c_row, depth, accumulate);
  }
  const Matrix rest{a.data + r * a.row, a.row, a.column};
  switch (rows - r) {
    case 5:
      return Tile<5>(rest, b, b_row, c + r * c_row, c_row, depth, accumulate);
    case 4:
      return Tile<4>(rest, b, b_row, c + r * c_row, c_row, depth, accumulate);
    case 3:
      return Tile<3>(rest, b, b_row, c + r * c_row, c_row, depth, accumulate);
    case 2:
      return Tile<2>(rest, b, b_row, c + r * c_row, c_row, depth, accumulate);
    case 1:
      return Tile<1>(rest, b, b_row, c + r * c_row, c_row, depth, accumulate);
    default:
      return;
  }
}

void MultiplyTail(int64_t rows, int64_t columns, int64_t depth, Matrix a, const float* b, int64_t b_row, float* c,
                  int64_t c_row, bool accumulate) {
  for (int64_t i = 0; i < rows; ++i, c += c_row) {
    const float* a_row = a.data + i * a.row;
    for (int64_t j = 0; j < columns; ++j) {
      float sum = accumulate ? c[j] : 0.0f;
      for (int64_t k = 0; k < depth; ++k) sum += a_row[k * a.column] * b[k * b_row + j];
      c[j] = sum;
    }
  }
}

// c[rows × columns] (+)= a · b over `depth`.
void Multiply(int64_t rows, int64_t columns, int64_t depth, Matrix a, const float* b, int64_t b_row, float* c,
              int64_t c_row, bool accumulate) {
  constexpr int64_t kWidth = kLanes * kTileVectors;
  int64_t j = 0;
  for (; j + kWidth <= columns; j += kWidth) TileColumn(rows, a, b + j, b_row, c + j, c_row, depth, accumulate);
  if (j < columns) MultiplyTail(rows, columns - j, depth, a, b + j, b_row, c + j, c_row, accumulate);
}

// A block of dot products: kRows rows of x with kColumns rows of the weights. The order of each sum is the same for
// every block size.
template <int kRows, int kColumns, typename Weight>
inline void DotBlock(const float* x, const Weight* weight, float* y, int64_t depth, int64_t y_stride) {
  Vec sums[kRows][kColumns];
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) sums[r][c] = Vec{};
  }
  int64_t k = 0;
  for (; k + kLanes <= depth; k += kLanes) {
    Vec w[kColumns];
    for (int c = 0; c < kColumns; ++c) w[c] = Load(weight + c * depth + k);
    for (int r = 0; r < kRows; ++r) {
      const Vec value = Load(x + r * depth + k);
      for (int c = 0; c < kColumns; ++c) sums[r][c] += value * w[c];
    }
  }
  for (int r = 0; r < kRows; ++r) {
    for (int c = 0; c < kColumns; ++c) {
      float sum = Sum(sums[r][c]);
      for (int64_t t = k; t < depth; ++t) sum += x[r * depth + t] * Widen(weight[c * depth + t]);
      y[r * y_stride + c] = sum;
    }
  }
}

template <int kColumns, typename Weight>
void DotRows(const float* x, const Weight* weight, float* y, int64_t rows, int64_t depth, int64_t y_stride) {
  int64_t r = 0;
  for (; r + 3 <= rows; r += 3) DotBlock<3, kColumns>(x + r * depth, weight, y + r * y_stride, depth, y_stride);
  if (rows - r == 2) DotBlock<2, kColumns>(x + r * depth, weight, y + r * y_stride, depth, y_stride);
  if (rows - r == 1) DotBlock<1, kColumns>(x + r * depth, weight, y + r * y_stride, depth, y_stride);
}

template <typename Weight>
void SkinnyLinear(const float* x, const Weight* weight, float* y, int64_t rows, int64_t depth, int64_t first,
                  int64_t last, int64_t y_stride) {
  int64_t c = first;
  for (; c + 4 <= last; c += 4) DotRows<4>(x, weight + c * depth, y + c, rows, depth, y_stride);
  for (; c < last; ++c) DotRows<1>(x, weight + c * depth, y + c, rows, depth, y_stride);
}

constexpr int64_t kChunkRows = kAttentionChunkRows;

struct Chunk {  // query rows [begin, end) of a task, and the keys that the last of them sees
  int64_t begin, rows, keys, padded_keys;
};

Chunk ChunkAt(const AttentionTask& t, int64_t begin) {
  const int64_t total = t.queries * t.group;
  const int64_t rows = total - begin < kChunkRows ? total - begin : kChunkRows;
  const int64_t keys = t.first_position + (begin + rows - 1) / t.group + 1;
  return {begin, rows, keys, (keys + kBlockTokens - 1) / kBlockTokens * kBlockTokens};
}

int64_t KeysOfRow(const AttentionTask& t, int64_t row) {
  return t.first_position + row / t.group + 1;
}

void Gather(const AttentionTask& t, const float* from, int64_t stride, const Chunk& chunk, float scale, float* to) {
  for (int64_t r = 0; r < chunk.rows; ++r, to += t.head_dim) {
    const int64_t row = chunk.begin + r;
    const float* source = from + row / t.group * stride + row % t.group * t.head_dim;
    for (int64_t d = 0; d < t.head_dim; ++d) to[d] = source[d] * scale;
  }
}

void Scatter(const AttentionTask& t, const float* from, const Chunk& chunk, float* to, int64_t stride) {
  for (int64_t r = 0; r < chunk.rows; ++r, from += t.head_dim) {
    const int64_t row = chunk.begin + r;
    float* target = to + row / t.group * stride + row % t.group * t.head_dim;
    for (int64_t d = 0; d < t.head_dim; ++d) target[d] = from[d];
  }
}

// [rows][head_dim] · transposed blocks → [rows][padded_keys].
void MultiplyBlocks(const AttentionTask& t, const float* a, const float* const* blocks, const Chunk& chunk, float* c) {
  for (int64_t b = 0; b * kBlockTokens < chunk.padded_keys; ++b) {
    Multiply(chunk.rows, kBlockTokens, t.head_dim, {a, t.head_dim, 1}, blocks[b], kBlockTokens, c + b * kBlockTokens,
             chunk.padded_keys, false);
  }
}

float Highest(const float* x, int64_t width) {
  Vec most = Splat(x[0]);
  // x != x is -1 where it is true.
  IntVec unordered{};
  JADE_FOR_VECTORS(
      i, width,
      {
        const Vec v = Load(x + i);
        unordered |= v != v;
        most = v > most ? v : most;
      },
      {
        for (int64_t j = i; j < width; ++j) {
          unordered[0] |= x[j] != x[j] ? -1 : 0;
          most[0] = x[j] > most[0] ? x[j] : most[0];
        }
      });
  float highest = most[0];
  for (int64_t lane = 0; lane < kLanes; ++lane) {
    if (unordered[lane] != 0) return __builtin_nanf("");
    highest = most[lane] > highest ? most[lane] : highest;
  }
  return highest;
}

inline Vec Weight(Vec x, float highest, float scale) {
  const Vec argument = (x - highest) * scale;
  return argument < -87.0f ? Vec{} : Exp(argument);
}

float Weights(const float* x, float highest, float scale, float* y, int64_t width) {
  Vec sum{};
  JADE_FOR_VECTORS(
      i, width,
      {
        const Vec w = Weight(Load(x + i), highest, scale);
        Store(y + i, w);
        sum += w;
      },
      {
        const Vec w = Weight(LoadPart(x + i, rest), highest, scale);
        StorePart(y + i, w, rest);
        for (int64_t j = 0; j < rest; ++j) sum[j] += w[j];
      });
  return Sum(sum);
}

// Scores of a row to probabilities, the keys it must not see to zero.
void Probabilities(float* scores, int64_t keys, int64_t padded_keys, float log_sum) {
  ScaledSoftmax(scores, log_sum, 1.0f, scores, keys);
  for (int64_t k = keys; k < padded_keys; ++k) scores[k] = 0.0f;
}

void Attention(const AttentionTask& t) {
  const FlushDenormals flush;
  float* q = t.scratch;
  float* out = q + kChunkRows * t.head_dim;
  float* scores = out + kChunkRows * t.head_dim;
  for (int64_t begin = 0; begin < t.queries * t.group; begin += kChunkRows) {
    const Chunk chunk = ChunkAt(t, begin);
    Gather(t, t.q, t.q_stride, chunk, t.scale, q);
    MultiplyBlocks(t, q, t.k_blocks, chunk, scores);
    for (int64_t r = 0; r < chunk.rows; ++r) {
      float* row = scores + r * chunk.padded_keys;
      const int64_t keys = KeysOfRow(t, begin + r);
      const float log_sum = LogSumExp(row, keys);
      if (t.log_sum != nullptr) t.log_sum[begin + r] = log_sum;
      Probabilities(row, keys, chunk.padded_keys, log_sum);
    }
    for (int64_t b = 0; b * kBlockTokens < chunk.keys; ++b) {
      const int64_t left = chunk.keys - b * kBlockTokens;
      Multiply(chunk.rows, t.head_dim, left < kBlockTokens ? left : kBlockTokens,
               {scores + b * kBlockTokens, chunk.padded_keys, 1}, t.v_blocks[b], t.v_stride, out, t.head_dim, b > 0);
    }
    Scatter(t, out, chunk, t.out, t.out_stride);
  }
}

// Flash-style backward (Dao et al. 2022, https://arxiv.org/abs/2205.14135, appendix B): probabilities are recomputed
// from the saved logarithms of the denominators.
void AttentionBackward(const AttentionBackwardTask& task) {
  const FlushDenormals flush;
  const AttentionTask& t = task.forward;
  float* q = t.scratch;
  float* d_out = q + kChunkRows * t.head_dim;
  float* rows_out = d_out + kChunkRows * t.head_dim;  // first `out`, then d_q
  float* scores = rows_out + kChunkRows * t.head_dim;
  for (int64_t begin = 0; begin < t.queries * t.group; begin += kChunkRows) {
    const Chunk chunk = ChunkAt(t, begin);
    float* d_scores = scores + kChunkRows * chunk.padded_keys;
    Gather(t, t.q, t.q_stride, chunk, t.scale, q);
    Gather(t, task.d_out, t.out_stride, chunk, 1.0f, d_out);
    Gather(t, t.out, t.out_stride, chunk, 1.0f, rows_out);
    MultiplyBlocks(t, q, t.k_blocks, chunk, scores);
    MultiplyBlocks(t, d_out, task.vt_blocks, chunk, d_scores);
    for (int64_t r = 0; r < chunk.rows; ++r) {
      float* p = scores + r * chunk.padded_keys;
      float* d = d_scores + r * chunk.padded_keys;
      Probabilities(p, KeysOfRow(t, begin + r), chunk.padded_keys, t.log_sum[begin + r]);
      const float mean = Dot(d_out + r * t.head_dim, rows_out + r * t.head_dim, t.head_dim);
      for (int64_t k = 0; k < chunk.padded_keys; ++k) d[k] = p[k] * (d[k] - mean);
    }
    Multiply(chunk.rows, t.head_dim, chunk.keys, {d_scores, chunk.padded_keys, 1}, task.k, task.k_stride, rows_out,
             t.head_dim, false);
    for (int64_t i = 0; i < chunk.rows * t.head_dim; ++i) rows_out[i] *= t.scale;
    Scatter(t, rows_out, chunk, task.d_q, t.q_stride);
    Multiply(chunk.keys, t.head_dim, chunk.rows, {d_scores, 1, chunk.padded_keys}, q, t.head_dim, task.d_k,
             task.k_stride, true);
    Multiply(chunk.keys, t.head_dim, chunk.rows, {scores, 1, chunk.padded_keys}, d_out, t.head_dim, task.d_v,
             task.k_stride, true);
  }
}

void TransposeBlocks(const float* x, int64_t stride, int64_t tokens, int64_t head_dim, float* blocks) {
  for (int64_t begin = 0; begin < tokens; begin += kBlockTokens, blocks += head_dim * kBlockTokens) {
    const int64_t count = tokens - begin < kBlockTokens ? tokens - begin : kBlockTokens;
    for (int64_t d = 0; d < head_dim; ++d) {
      for (int64_t t = 0; t < count; ++t) blocks[d * kBlockTokens + t] = x[(begin + t) * stride + d];
      for (int64_t t = count; t < kBlockTokens; ++t) blocks[d * kBlockTokens + t] = 0.0f;
    }
  }
}

}  // namespace
}  // namespace JADE_KERNEL_NAMESPACE

using namespace JADE_KERNEL_NAMESPACE;
const KernelTable JADE_KERNEL_TABLE = {
    .name = JADE_KERNEL_NAME,
    .rms_norm = RmsNorm,
    .rms_norm_backward = RmsNormBackward,
    .add_rms_norm = {AddRmsNorm<float, float>, AddRmsNorm<uint16_t, uint16_t>, AddRmsNorm<uint16_t, float>},
    .add_rms_norm_backward = {AddRmsNormBackward<float, float>, AddRmsNormBackward<uint16_t, uint16_t>,
                              AddRmsNormBackward<uint16_t, float>},
    .swiglu = SwiGlu<float>,
    .swiglu_bf16 = SwiGlu<uint16_t>,
    .swiglu_backward = SwiGluBackward<float>,
    .swiglu_backward_bf16 = SwiGluBackward<uint16_t>,
    .round = Convert<float, uint16_t>,
    .widen = Convert<uint16_t, float>,
    .accumulate = Accumulate<float>,
    .accumulate_bf16 = Accumulate<uint16_t>,
    .cross_entropy_gradient = CrossEntropyGradient<float>,
    .cross_entropy_gradient_bf16 = CrossEntropyGradient<uint16_t>,
    .adamw = AdamW,
    .sum_of_squares = SumOfSquares,
    .rotary = Rotary,
    .attention = Attention,
    .attention_backward = AttentionBackward,
    .transpose_blocks = TransposeBlocks,
    .skinny_linear = SkinnyLinear<float>,
    .skinny_linear_bf16 = SkinnyLinear<uint16_t>,
    .log_sum_exp = LogSumExp<float>,
    .log_sum_exp_bf16 = LogSumExp<uint16_t>,
    .scaled_softmax = ScaledSoftmax<float>,
    .scaled_softmax_bf16 = ScaledSoftmax<uint16_t>,
    .highest = Highest,
    .weights = Weights,
};

}  // namespace jade::backbone
