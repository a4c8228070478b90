#include "runtime/backbone/packed_executor.h"

#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <random>

namespace jade::backbone {
namespace {

ModelConfig Shape(bool qk_norm = false, bool bias = false) {
  ModelConfig c;
  c.vocab_size = 101, c.hidden_size = 48, c.ffn_size = 72, c.layers = 3, c.heads = 6, c.kv_heads = 2, c.head_dim = 16;
  c.max_positions = 512, c.tied_embeddings = true, c.qk_norm = qk_norm, c.qkv_bias = bias;
  return c;
}

// Whole steps of AMX's tiles, and one that is not.
ModelConfig WideHeads() {
  ModelConfig c = Shape();
  c.hidden_size = 96, c.ffn_size = 160, c.head_dim = 80;
  return c;
}

std::shared_ptr<Decoder> RandomDecoder(const ModelConfig& config, uint64_t seed = 1) {
  auto decoder = std::make_shared<Decoder>(config);
  decoder->InitialiseRandom(seed);
  at::NoGradGuard no_grad;
  // Larger than the usual start, so that attention is not flat.
  for (const Parameter& p : decoder->parameters()) {
    if (p.tensor.dim() == 2) p.tensor.mul_(6.0);
    if (p.name.ends_with(".bias")) p.tensor.fill_(0.1);
  }
  return decoder;
}

std::vector<int32_t> Tokens(int64_t count, uint64_t seed) {
  std::mt19937_64 rng(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& t : tokens) t = static_cast<int32_t>(rng() % 101);
  return tokens;
}

std::vector<BlockId> BlocksFrom(BlockId first, int64_t count) {
  std::vector<BlockId> blocks(static_cast<size_t>(count));
  std::iota(blocks.begin(), blocks.end(), first);
  return blocks;
}

using Logits = std::vector<float>;

Logits RunOne(Executor& executor, const std::vector<BlockId>& blocks, int64_t past, std::span<const int32_t> tokens) {
  const StepSegment segment{blocks, past, tokens, true};
  const std::span<float> logits = executor.Run({0, {&segment, 1}});
  return {logits.begin(), logits.end()};
}

Logits Reference(const Decoder& decoder, const std::vector<int32_t>& tokens, at::ScalarType dtype) {
  at::NoGradGuard no_grad;
  const DecoderWeights weights = decoder.Weights(dtype);
  const std::vector<std::vector<int32_t>> batch{tokens};
  const at::Tensor hidden_ND = decoder.ForwardPacked(PackSequences(batch), weights);
  const at::Tensor row = Decoder::Logits(hidden_ND.narrow(0, hidden_ND.size(0) - 1, 1), weights).contiguous();
  return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
}

double Distance(const Logits& a, const Logits& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::fabs(static_cast<double>(a[i]) - b[i]));
  return worst;
}
double Spread(const Logits& a) {
  const auto [low, high] = std::minmax_element(a.begin(), a.end());
  return *high - *low;
}

std::unique_ptr<Executor> Make(std::shared_ptr<Decoder> decoder, kernels::Number number,
                               const kernels::ServingTable* table = nullptr, int threads = 2) {
  ExecutorOptions options;
  options.weights = number, options.kv_cache_bytes = 4 << 20, options.threads = threads, options.kernels = table;
  return MakePackedExecutor({std::move(decoder)}, options);
}

TEST(PackedExecutor, ComputesWhatThePlainDecoderDoes) {
  const kernels::ServingTable* tables[kernels::kMostServingTables] = {};
  const int count = kernels::AvailableServingTables(tables);
  for (const bool variant : {false, true}) {
    const auto decoder = RandomDecoder(Shape(variant, variant));
    const std::vector<int32_t> tokens = Tokens(150, 2);
    const Logits exact = Reference(*decoder, tokens, at::kFloat), half = Reference(*decoder, tokens, at::kBFloat16);
    for (int i = 0; i < count; ++i) {
      const auto fp32 = Make(decoder, kernels::Number::kFp32, tables[i]);
      EXPECT_LT(Distance(RunOne(*fp32, BlocksFrom(3, 10), 0, tokens), exact), 1e-4 * Spread(exact)) << tables[i]->name;
      const auto bf16 = Make(decoder, kernels::Number::kBf16, tables[i]);
      const Logits got = RunOne(*bf16, BlocksFrom(3, 10), 0, tokens);
      // As far from the exact logits as LibTorch's own bf16, give or take.
      EXPECT_LT(Distance(got, exact), 1.5 * Distance(half, exact) + 0.01 * Spread(exact)) << tables[i]->name;
      const auto int8 = Make(decoder, kernels::Number::kInt8, tables[i]);
      EXPECT_LT(Distance(RunOne(*int8, BlocksFrom(3, 10), 0, tokens), exact), 0.1 * Spread(exact)) << tables[i]->name;
    }
  }
}

class Invariance : public testing::TestWithParam<std::tuple<kernels::Number, bool>> {};

TEST_P(Invariance, AReplyIsTheSameBitForBitHoweverItIsComputed) {
  const auto [number, wide] = GetParam();
  const auto decoder = RandomDecoder(wide ? WideHeads() : Shape());
  const kernels::ServingTable* tables[kernels::kMostServingTables] = {};
  const int count = kernels::AvailableServingTables(tables);
  for (int i = 0; i < count; ++i) {
    const auto executor = Make(decoder, number, tables[i]);
    const std::vector<int32_t> tokens = Tokens(201, 3);
    const Logits whole = RunOne(*executor, BlocksFrom(0, 13), 0, tokens);

    // In slices, with one thread, into other blocks.
    const auto single = Make(decoder, number, tables[i], 1);
    Logits sliced;
    const std::vector<BlockId> blocks = BlocksFrom(20, 13);
    for (size_t at = 0; at < tokens.size();) {
      const size_t rows = std::min<size_t>(tokens.size() - at, 1 + at % 70);
      sliced = RunOne(*single, blocks, static_cast<int64_t>(at), std::span(tokens).subspan(at, rows));
      at += rows;
    }
    EXPECT_EQ(std::memcmp(whole.data(), sliced.data(), whole.size() * 4), 0) << tables[i]->name;

    // As one of many that decode over a shared prefix, beside a prompt.
    std::vector<std::vector<BlockId>> tables_of_blocks;
    std::vector<StepSegment> segments;
    const std::vector<int32_t> other = Tokens(90, 4);
    for (BlockId s = 0; s < 9; ++s) {
      std::vector<BlockId> shared = BlocksFrom(0, 12);
      shared.push_back(40 + s);
      executor->CopyBlock(12, 40 + s, 8);
      tables_of_blocks.push_back(shared);
    }
    for (size_t s = 0; s < 9; ++s) {
      segments.push_back(
          {tables_of_blocks[s], 200, s % 2 == 0 ? std::span(tokens).subspan(200) : std::span(other).first(1), true});
    }
    const std::vector<BlockId> prompt = BlocksFrom(60, 6);
    segments.insert(segments.begin() + 3, {prompt, 0, other, false});
    const std::span<float> batch = executor->Run({0, segments});
    ASSERT_EQ(batch.size(), 9 * whole.size());
    for (const size_t s : {0, 2, 8}) {
      EXPECT_EQ(std::memcmp(whole.data(), batch.data() + s * whole.size(), whole.size() * 4), 0) << tables[i]->name;
    }
    EXPECT_NE(std::memcmp(whole.data(), batch.data() + whole.size(), whole.size() * 4), 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Numbers, Invariance,
                         testing::Combine(testing::Values(kernels::Number::kFp32, kernels::Number::kBf16,
                                                          kernels::Number::kInt8),
                                          testing::Bool()),
                         [](const auto& info) {
                           const kernels::Number number = std::get<0>(info.param);
                           return std::string(number == kernels::Number::kFp32   ? "Fp32"
                                              : number == kernels::Number::kBf16 ? "Bf16"
                                                                                 : "Int8") +
                                  (std::get<1>(info.param) ? "Wide" : "");
                         });

TEST(PackedExecutor, ServesSeveralWeightSetsAndTakesUpNewWeights) {
  const auto one = RandomDecoder(Shape(), 1), two = RandomDecoder(Shape(), 2);
  ExecutorOptions options;
  options.kv_cache_bytes = 4 << 20;
  const auto executor = MakePackedExecutor({one, two}, options);
  const std::vector<int32_t> tokens = Tokens(20, 5);
  const std::vector<BlockId> blocks = BlocksFrom(0, 2);
  const StepSegment segment{blocks, 0, tokens, true};
  const auto run = [&](int policy) {
    const std::span<float> logits = executor->Run({policy, {&segment, 1}});
    return Logits(logits.begin(), logits.end());
  };
  const Logits first = run(0), second = run(1);
  EXPECT_LT(Distance(first, Reference(*one, tokens, at::kFloat)), 1e-3);
  EXPECT_LT(Distance(second, Reference(*two, tokens, at::kFloat)), 1e-3);
  {
    at::NoGradGuard no_grad;
    for (const Parameter& p : one->parameters()) p.tensor.copy_(*two->Find(p.name));
  }
  executor->Refresh(0);
  EXPECT_EQ(run(0), second);
}

TEST(PackedExecutor, StepsWithoutWantedRowsGiveNoLogits) {
  const auto executor = Make(RandomDecoder(Shape()), kernels::Number::kFp32);
  const std::vector<int32_t> tokens = Tokens(20, 6);
  const std::vector<BlockId> blocks = BlocksFrom(0, 2);
  const StepSegment segment{blocks, 0, tokens, false};
  EXPECT_TRUE(executor->Run({0, {&segment, 1}}).empty());
}

TEST(PackedExecutor, RunsWorkOnItsThreads) {
  const auto executor = Make(RandomDecoder(Shape()), kernels::Number::kFp32);
  std::vector<int> seen(100);
  executor->ParallelFor(100, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
  EXPECT_EQ(seen, std::vector<int>(100, 1));
}

}  // namespace
}  // namespace jade::backbone
