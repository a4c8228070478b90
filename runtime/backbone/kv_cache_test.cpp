#include "runtime/backbone/kv_cache.h"

#include <gtest/gtest.h>

#include "runtime/backbone/model.h"

namespace jade::backbone {
namespace {

ModelConfig SmallConfig() {
  ModelConfig c;
  c.vocab_size = 50, c.hidden_size = 48, c.layers = 2, c.heads = 6, c.kv_heads = 2, c.head_dim = 16;
  c.ffn_size = 40, c.max_positions = 512;
  return c;
}

std::vector<int32_t> Tokens(int64_t count, int32_t seed) {
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>((i * 7 + seed * 13 + i * i) % 50));
  return tokens;
}

// Feeds sequences through a cache in steps of the given sizes and returns each one's hidden states.
std::vector<at::Tensor> RunInSteps(const Decoder& decoder, KvCache& cache, const std::vector<std::vector<int32_t>>& all,
                                   const std::vector<std::vector<int64_t>>& step_rows) {
  const DecoderWeights weights = decoder.Weights(at::kFloat);
  std::vector<std::unique_ptr<KvSequence>> room;
  std::vector<std::vector<at::Tensor>> hidden(all.size());
  for (const auto& tokens : all) room.push_back(cache.Reserve(static_cast<int64_t>(tokens.size())));
  for (const auto& rows_of : step_rows) {
    std::vector<KvSegment> segments;
    std::vector<int64_t> tokens, positions;
    for (size_t s = 0; s < all.size(); ++s) {
      segments.push_back({room[s].get(), static_cast<int64_t>(tokens.size()), rows_of[s]});
      for (int64_t r = 0; r < rows_of[s]; ++r) {
        positions.push_back(room[s]->length + r);
        tokens.push_back(all[s][static_cast<size_t>(positions.back())]);
      }
    }
    const auto attention = cache.Attention(segments);
    const at::Tensor out = decoder.Forward(at::tensor(at::ArrayRef<int64_t>(tokens)),
                                           at::tensor(at::ArrayRef<int64_t>(positions)), weights, *attention);
    for (size_t s = 0; s < all.size(); ++s) {
      hidden[s].push_back(out.narrow(0, segments[s].first_row, segments[s].rows));
      room[s]->length += segments[s].rows;
    }
  }
  std::vector<at::Tensor> result;
  for (const auto& parts : hidden) result.push_back(at::cat(parts, 0));
  return result;
}

// Prompts in slices, then token by token, together: the same states as one forward pass of each alone. The tolerance is
// that of fp32 sums in another order.
TEST(KvCache, DecodeEqualsPrefillAndBatchedEqualsAlone) {
  at::NoGradGuard no_grad;
  Decoder decoder(SmallConfig());
  decoder.InitialiseRandom(4);
  const std::vector<std::vector<int32_t>> all{Tokens(150, 1), Tokens(70, 2), Tokens(7, 3)};
  const std::vector<std::vector<int64_t>> steps{{130, 5, 1}, {17, 60, 3}, {1, 4, 1}, {1, 0, 1}, {1, 1, 1}};
  for (const bool blocks : {true, false}) {
    const auto cache = blocks ? MakeBlockKvCache(decoder.config(), 1 << 24)
                              : MakeTensorKvCache(decoder.config(), at::kFloat, at::kCPU, 1 << 24);
    const auto states = RunInSteps(decoder, *cache, all, steps);
    for (size_t s = 0; s < all.size(); ++s) {
      const std::vector<std::vector<int32_t>> one{all[s]};
      const at::Tensor expected = decoder.ForwardPacked(PackSequences(one));
      EXPECT_TRUE(at::allclose(states[s], expected, 1e-4, 1e-5))
          << (blocks ? "blocks, " : "tensors, ") << s << ": " << (states[s] - expected).abs().max().item<float>();
    }
    EXPECT_EQ(cache->used_bytes(), 0);
  }
}

TEST(KvCache, BudgetIsNeverPassed) {
  for (const bool blocks : {true, false}) {
    const int64_t token_bytes = 2 * 2 * 2 * 16 * 4;  // layers, keys and values, heads, head size, fp32
    const int64_t budget = 256 * token_bytes;
    const auto cache = blocks ? MakeBlockKvCache(SmallConfig(), budget)
                              : MakeTensorKvCache(SmallConfig(), at::kFloat, at::kCPU, budget);
    auto first = cache->Reserve(192);
    ASSERT_NE(first, nullptr);
    auto second = cache->Reserve(64);
    ASSERT_NE(second, nullptr);
    EXPECT_EQ(cache->used_bytes(), budget);
    EXPECT_EQ(cache->Reserve(1), nullptr);
    first.reset();
    EXPECT_EQ(cache->used_bytes(), 64 * token_bytes);
    EXPECT_NE(cache->Reserve(192), nullptr);
  }
}

}  // namespace
}  // namespace jade::backbone
