#include "runtime/kernels/serving_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "runtime/kernels/packed_matrix.h"

namespace jade::kernels {
namespace {

std::vector<const ServingTable*> Tables() {
  const ServingTable* tables[kMostServingTables] = {};
  const int count = AvailableServingTables(tables);
  return {tables, tables + count};
}

std::vector<float> Random(int64_t count, uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::normal_distribution<float> normal;
  std::vector<float> v(static_cast<size_t>(count));
  for (float& x : v) x = normal(rng);
  return v;
}

float Bf16(float x) {
  const uint32_t bits = static_cast<uint32_t>(RoundToBf16(x)) << 16U;
  float y = 0;
  std::memcpy(&y, &bits, sizeof(y));
  return y;
}
// A number as the kernels see it.
float Seen(float x, Number number) {
  return number == Number::kFp32 ? x : Bf16(x);
}

std::vector<char> AsNumbers(const ServingTable& table, const std::vector<float>& x, Number number) {
  std::vector<char> bytes(x.size() * static_cast<size_t>(NumberBytes(number)));
  table.convert(x.data(), bytes.data(), number, static_cast<int64_t>(x.size()));
  return bytes;
}

TEST(ServingKernels, RoundsToTheNearestBf16) {
  for (const ServingTable* table : Tables()) {
    std::vector<float> x = Random(100, 1);
    x.insert(x.end(), {0.0f, -0.0f, INFINITY, -INFINITY, 3.4e38f, 1.00390625f, 1.01171875f});
    const std::vector<char> got = AsNumbers(*table, x, Number::kBf16);
    for (size_t i = 0; i < x.size(); ++i) {
      uint16_t half = 0;
      std::memcpy(&half, got.data() + 2 * i, 2);
      EXPECT_EQ(half, RoundToBf16(x[i])) << table->name << " " << x[i];
    }
    const std::vector<float> nan(20, NAN);
    const std::vector<char> nans = AsNumbers(*table, nan, Number::kBf16);
    uint16_t half = 0;
    std::memcpy(&half, nans.data(), 2);
    EXPECT_GT(half & 0x7fffU, 0x7f80U) << table->name;
  }
}

struct Product {
  Number weights;
  int64_t rows, depth, columns;
};

// x·Wᵀ + bias with the numbers that the kernel sees, summed in double.
std::vector<double> Expected(const Product& p, const std::vector<float>& x, const std::vector<float>& w,
                             const std::vector<float>& bias) {
  const Number activations = p.weights == Number::kFp32 ? Number::kFp32 : Number::kBf16;
  std::vector<double> y(static_cast<size_t>(p.rows * p.columns));
  for (int64_t c = 0; c < p.columns; ++c) {
    const float* row = w.data() + c * p.depth;
    double largest = 0;
    for (int64_t k = 0; k < p.depth; ++k) largest = std::max(largest, std::fabs(static_cast<double>(row[k])));
    const auto scale = static_cast<float>(largest) / 127.0f;
    for (int64_t r = 0; r < p.rows; ++r) {
      double sum = bias[static_cast<size_t>(c)];
      for (int64_t k = 0; k < p.depth; ++k) {
        const double weight = p.weights == Number::kInt8 ? static_cast<double>(std::lrint(row[k] / scale)) * scale
                                                         : Seen(row[k], p.weights);
        sum += weight * Seen(x[static_cast<size_t>(r * p.depth + k)], activations);
      }
      y[static_cast<size_t>(r * p.columns + c)] = sum;
    }
  }
  return y;
}

PackedMatrix Pack(Arena& arena, const Product& p, const std::vector<float>& w, const float* bias, ColumnOrder order) {
  PackedMatrix matrix(arena, p.weights, p.columns, p.depth, order);
  Team team(1);
  team.Run([&](Member& member) { matrix.Pack(w.data(), bias, member); });
  return matrix;
}

class Products : public testing::TestWithParam<Product> {};

TEST_P(Products, AreThoseOfTheNumbersAndDoNotDependOnTheRowsBeside) {
  const Product p = GetParam();
  const std::vector<float> x = Random(p.rows * p.depth, 1), w = Random(p.columns * p.depth, 2),
                           bias = Random(p.columns, 3);
  const std::vector<double> expected = Expected(p, x, w, bias);
  Arena arena;
  const PackedMatrix matrix = Pack(arena, p, w, bias.data(), ColumnOrder::kPlain);
  const Number activations = p.weights == Number::kFp32 ? Number::kFp32 : Number::kBf16;
  for (const ServingTable* table : Tables()) {
    const std::vector<char> input = AsNumbers(*table, x, activations);
    std::vector<float> y(expected.size(), 1.0f), alone(static_cast<size_t>(p.columns));
    LinearTask task = matrix.Task(p.rows);
    task.x = input.data(), task.y = y.data(), task.y_stride = p.columns, task.epilogue = Epilogue::kAdd;
    table->linear(task, 0, matrix.panels());
    for (size_t i = 0; i < y.size(); ++i)
      EXPECT_NEAR(y[i], expected[i] + 1.0, 2e-4 * std::sqrt(p.depth)) << table->name;
    task.epilogue = Epilogue::kStore, task.y = y.data();
    table->linear(task, 0, matrix.panels());
    for (const int64_t row : {int64_t{0}, p.rows / 2, p.rows - 1}) {
      task.rows = 1, task.x = input.data() + row * p.depth * NumberBytes(activations), task.y = alone.data();
      table->linear(task, 0, matrix.panels());
      EXPECT_EQ(std::memcmp(alone.data(), y.data() + row * p.columns, alone.size() * 4), 0) << table->name;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, Products,
                         testing::Values(Product{Number::kFp32, 1, 64, 32}, Product{Number::kFp32, 13, 30, 50},
                                         Product{Number::kBf16, 1, 64, 96}, Product{Number::kBf16, 12, 576, 64},
                                         Product{Number::kBf16, 37, 30, 7}, Product{Number::kBf16, 17, 72, 33},
                                         Product{Number::kBf16, 100, 1536, 40}, Product{Number::kInt8, 5, 64, 64},
                                         Product{Number::kInt8, 18, 1600, 40}, Product{Number::kInt8, 100, 576, 32},
                                         Product{Number::kInt8, 25, 128, 33}));

TEST(ServingKernels, GatesAreMultipliedInTheSamePanel) {
  for (const Number number : {Number::kFp32, Number::kBf16}) {
    const Product p{number, 3, 32, 2 * 24};
    const std::vector<float> x = Random(p.rows * p.depth, 4), w = Random(p.columns * p.depth, 5), bias(48, 0.25f);
    const std::vector<double> joint = Expected(p, x, w, bias);
    Arena arena;
    const PackedMatrix matrix = Pack(arena, p, w, bias.data(), ColumnOrder::kGateUp);
    for (const ServingTable* table : Tables()) {
      const std::vector<char> input = AsNumbers(*table, x, number);
      std::vector<char> y(static_cast<size_t>(3 * 24 * NumberBytes(number)));
      LinearTask task = matrix.Task(p.rows);
      task.x = input.data(), task.y = y.data(), task.y_stride = 24, task.epilogue = Epilogue::kSwiGlu;
      table->linear(task, 0, matrix.panels());
      for (size_t r = 0; r < 3; ++r) {
        for (size_t c = 0; c < 24; ++c) {
          const double gate = joint[r * 48 + c], value = joint[r * 48 + 24 + c] * gate / (1.0 + std::exp(-gate));
          uint32_t bits = 0;
          const size_t bytes = static_cast<size_t>(NumberBytes(number));
          std::memcpy(reinterpret_cast<char*>(&bits) + 4 - bytes, y.data() + (r * 24 + c) * bytes, bytes);
          float got = 0;
          std::memcpy(&got, &bits, 4);
          EXPECT_NEAR(got, value, number == Number::kFp32 ? 1e-4 : 0.01 * std::fabs(value) + 1e-3) << table->name;
        }
      }
    }
  }
}

// Keys and values of one head in shuffled blocks, written number by number.
struct Cache {
  int64_t head_dim, tokens;
  Number number;
  std::vector<float> keys, values;
  std::vector<char> storage;
  std::vector<int32_t> blocks;

  Cache(int64_t dim, int64_t count, Number n) : head_dim(dim), tokens(count), number(n) {
    keys = Random(count * dim, 6), values = Random(count * dim, 7);
    const int64_t needed = (count + kKvTokens - 1) / kKvTokens, bytes = KvHeadBytes(n, dim);
    // What former sequences left must not matter: every byte of the storage is NaN.
    storage.assign(static_cast<size_t>((needed + 2) * bytes), '\xff');
    for (int64_t b = 0; b < needed; ++b) blocks.push_back(static_cast<int32_t>(needed + 1 - b));
    for (int64_t t = 0; t < count; ++t) {
      Write(t, storage.data() + blocks[static_cast<size_t>(t / kKvTokens)] * bytes);
    }
  }

  void Write(int64_t t, char* block) const {
    const int64_t slot = t % kKvTokens, in_word = number == Number::kFp32 ? 1 : 2, size = NumberBytes(number);
    const auto put = [&](int64_t at, float x) {
      const uint16_t half = RoundToBf16(x);
      std::memcpy(block + at * size, number == Number::kFp32 ? static_cast<const void*>(&x) : &half,
                  static_cast<size_t>(size));
    };
    for (int64_t d = 0; d < head_dim; ++d) {
      put((d / in_word * kKvTokens + slot) * in_word + d % in_word, keys[static_cast<size_t>(t * head_dim + d)]);
      const int64_t word = (slot / in_word * head_dim + d) * in_word, first = kKvTokens * head_dim;
      put(first + word + slot % in_word, values[static_cast<size_t>(t * head_dim + d)]);
      // The word's other token is not there yet: its number is 0.
      if (slot % 2 == 0 && in_word == 2) put(first + word + 1, 0.0f);
    }
  }
};

TEST(ServingKernels, KeysAndValuesLieInWords) {
  for (const Number number : {Number::kFp32, Number::kBf16}) {
    const Cache cache(48, 40, number);
    const int64_t bytes = KvHeadBytes(number, 48);
    for (const ServingTable* table : Tables()) {
      std::vector<char> storage(cache.storage.size(), '\xff');
      for (int64_t t = 0; t < cache.tokens; ++t) {
        table->write_key_value(cache.keys.data() + t * 48, cache.values.data() + t * 48,
                               storage.data() + cache.blocks[static_cast<size_t>(t / kKvTokens)] * bytes, t % kKvTokens,
                               number, 48);
      }
      EXPECT_EQ(storage, cache.storage) << table->name;
    }
  }
}

std::vector<double> ExpectedAttention(const Cache& c, const float* q, int64_t limit, float scale) {
  std::vector<double> weights, out(static_cast<size_t>(c.head_dim));
  double highest = -INFINITY, total = 0;
  for (int64_t t = 0; t < limit; ++t) {
    double score = 0;
    for (int64_t d = 0; d < c.head_dim; ++d) {
      score +=
          static_cast<double>(Seen(q[d], c.number)) * Seen(c.keys[static_cast<size_t>(t * c.head_dim + d)], c.number);
    }
    weights.push_back(score * scale);
    highest = std::max(highest, weights.back());
  }
  for (double& w : weights) total += w = std::exp(w - highest);
  for (int64_t t = 0; t < limit; ++t) {
    for (int64_t d = 0; d < c.head_dim; ++d) {
      out[static_cast<size_t>(d)] +=
          weights[static_cast<size_t>(t)] / total * Seen(c.values[static_cast<size_t>(t * c.head_dim + d)], c.number);
    }
  }
  return out;
}

struct Shape {
  Number number;
  int64_t head_dim, tokens;
};
class AttentionShapes : public testing::TestWithParam<Shape> {};

TEST_P(AttentionShapes, IsSoftmaxOverWhatTheRowSeesWhateverTheTile) {
  const auto [number, dim, tokens] = GetParam();
  const Cache cache(dim, tokens, number);
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  const std::vector<float> q = Random(kMostTileQueries * dim, 8);
  const int64_t chunks = (tokens + kKeyChunk - 1) / kKeyChunk;
  for (const ServingTable* table : Tables()) {
    const int64_t rows = table->TileQueries(number);
    const std::vector<char> queries = AsNumbers(*table, q, number);
    std::vector<float> together(static_cast<size_t>(rows * dim)), alone(static_cast<size_t>(dim));
    AttentionState state;
    AttentionTile tile;
    tile.head_dim = dim, tile.number = number, tile.rows = rows, tile.state = &state;
    tile.blocks = cache.blocks.data(), tile.storage = cache.storage.data();
    tile.block_stride = KvHeadBytes(number, dim), tile.scale = scale, tile.last_chunk = chunks;
    for (int64_t r = 0; r < rows; ++r) {
      tile.q[r] = queries.data() + r * dim * NumberBytes(number), tile.out[r] = together.data() + r * dim;
      tile.limit[r] = std::max<int64_t>(1, tokens - r * 11);
      state.highest[r] = -INFINITY, state.sum[r] = 0;
    }
    table->attention(tile);
    for (int64_t r = 0; r < rows; ++r) {
      std::vector<float> out(static_cast<size_t>(dim));
      table->finish_attention(together.data() + r * dim, state.sum[r], out.data(), Number::kFp32, dim);
      const std::vector<double> expected = ExpectedAttention(cache, q.data() + r * dim, tile.limit[r], scale);
      for (size_t d = 0; d < out.size(); ++d) {
        EXPECT_NEAR(out[d], expected[d], number == Number::kFp32 ? 2e-5 : 0.02) << table->name << " row " << r;
      }
      // The row by itself, one chunk at a time.
      AttentionState one{{-INFINITY}, {0}};
      AttentionTile single = tile;
      std::fill(alone.begin(), alone.end(), 0.0f);
      single.rows = 1, single.state = &one, single.q[0] = tile.q[r], single.out[0] = alone.data();
      single.limit[0] = tile.limit[r];
      for (int64_t c = 0; c < chunks; ++c) {
        single.first_chunk = c, single.last_chunk = c + 1;
        table->attention(single);
      }
      EXPECT_EQ(one.sum[0], state.sum[r]) << table->name;
      for (size_t d = 0; d < alone.size(); ++d) EXPECT_EQ(alone[d], together[static_cast<size_t>(r * dim) + d]);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Shapes, AttentionShapes,
                         testing::Values(Shape{Number::kFp32, 64, 200}, Shape{Number::kBf16, 64, 200},
                                         Shape{Number::kFp32, 32, 65}, Shape{Number::kBf16, 32, 17},
                                         Shape{Number::kBf16, 128, 130}, Shape{Number::kFp32, 16, 1},
                                         Shape{Number::kBf16, 48, 79}, Shape{Number::kBf16, 80, 300},
                                         Shape{Number::kBf16, 256, 70}));

TEST(ServingKernels, NormalisesRows) {
  for (const ServingTable* table : Tables()) {
    for (const int64_t width : {16, 50, 576}) {
      const std::vector<float> x = Random(width, 9), weight = Random(width, 10);
      std::vector<float> y(static_cast<size_t>(width));
      table->rms_norm(x.data(), weight.data(), y.data(), Number::kFp32, width, 1e-5f);
      double squares = 0;
      for (const float v : x) squares += static_cast<double>(v) * v;
      const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(width) + 1e-5);
      for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], x[i] * inverse * weight[i], 1e-5) << table->name;
    }
  }
}

}  // namespace
}  // namespace jade::kernels
