#include "runtime/backbone/model.h"

#include <gtest/gtest.h>

#include <functional>

#include "runtime/backbone/fused_ops.h"

namespace jade::backbone {
namespace {

ModelConfig TinyConfig(weights::Architecture architecture) {
  ModelConfig c;
  c.architecture = architecture;
  c.vocab_size = 37;
  c.hidden_size = 24;
  c.layers = 2;
  c.heads = 4;
  c.kv_heads = 2;
  c.head_dim = 8;
  c.ffn_size = 20;
  c.max_positions = 64;
  c.tied_embeddings = architecture != weights::Architecture::kLlama;
  c.qkv_bias = architecture == weights::Architecture::kQwen2;
  c.qk_norm = architecture == weights::Architecture::kQwen3;
  return c;
}

const weights::Architecture kArchitectures[] = {weights::Architecture::kLlama, weights::Architecture::kQwen2,
                                                weights::Architecture::kQwen3};

TEST(Model, PackedForwardEqualsEachSequenceAlone) {
  for (const auto architecture : kArchitectures) {
    Decoder decoder(TinyConfig(architecture));
    decoder.InitialiseRandom(7);
    const std::vector<std::vector<int32_t>> sequences{{3, 1, 4, 1, 5}, {9}, {}, {2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3}};
    at::NoGradGuard no_grad;
    const PackedBatch batch = PackSequences(sequences);
    const at::Tensor together = decoder.ForwardPacked(batch);
    for (size_t i = 0; i < sequences.size(); ++i) {
      const std::vector<std::vector<int32_t>> one{sequences[i]};
      const at::Tensor alone = decoder.ForwardPacked(PackSequences(one));
      const at::Tensor rows = together.narrow(0, batch.cu_seqlens[i], alone.size(0));
      EXPECT_TRUE(at::allclose(rows, alone, 1e-5, 1e-6)) << static_cast<int>(architecture) << " " << i;
    }
  }
}

TEST(Model, GradientsAgreeWithFiniteDifferences) {
  for (const auto architecture : kArchitectures) {
    Decoder decoder(TinyConfig(architecture));
    decoder.InitialiseRandom(3);
    {
      at::NoGradGuard no_grad;  // larger weights: differences well above rounding
      for (const Parameter& p : decoder.parameters()) {
        if (p.tensor.dim() == 2) p.tensor.mul_(8.0);
      }
    }
    decoder.SetRequiresGrad(true);
    const std::vector<std::vector<int32_t>> sequences{{3, 1, 4, 1, 5, 9}, {2, 6, 5}};
    const PackedBatch batch = PackSequences(sequences);
    const at::Tensor targets = at::tensor({1, 4, 1, 5, 9, 0, 6, 5, 0}, at::kLong);
    const auto loss = [&] {
      const at::Tensor hidden = decoder.ForwardPacked(batch);
      const at::Tensor head =
          *decoder.Find(decoder.config().tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight");
      return -TokenLogProbs(hidden, head, targets).mean();
    };
    loss().backward();
    for (const Parameter& p : decoder.parameters()) {
      ASSERT_TRUE(p.tensor.grad().defined()) << p.name;
      // The directional derivative along the gradient itself.
      const at::Tensor direction = p.tensor.grad() / p.tensor.grad().norm();
      const double analytic = p.tensor.grad().norm().item<double>();
      at::NoGradGuard no_grad;
      const double step = 2e-3;
      p.tensor.add_(direction, step);
      const double above = loss().item<double>();
      p.tensor.add_(direction, -2 * step);
      const double below = loss().item<double>();
      p.tensor.add_(direction, step);
      EXPECT_NEAR((above - below) / (2 * step), analytic, 2e-3 + 0.03 * analytic) << p.name;
    }
  }
}

// bf16 keeps 8 bits of mantissa: gradients of whole matrices point the same way to a few percent.
TEST(Model, MixedPrecisionGradientsStayNearFp32) {
  for (const auto architecture : kArchitectures) {
    Decoder decoder(TinyConfig(architecture));
    decoder.InitialiseRandom(3);
    decoder.SetRequiresGrad(true);
    const std::vector<std::vector<int32_t>> sequences{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, {2, 7, 1, 8, 2, 8}};
    const PackedBatch batch = PackSequences(sequences);
    const at::Tensor targets = at::arange(batch.token_count(), at::kLong);
    const auto gradients = [&](at::ScalarType type) {
      const DecoderWeights weights = decoder.Weights(type);
      (-TokenLogProbs(decoder.ForwardPacked(batch, weights), weights.head_VD, targets).mean()).backward();
      std::vector<at::Tensor> result;
      for (const Parameter& p : decoder.parameters()) {
        result.push_back(p.tensor.grad().clone());
        p.tensor.mutable_grad().reset();
      }
      return result;
    };
    const auto exact = gradients(at::kFloat), mixed = gradients(at::kBFloat16);
    for (size_t i = 0; i < exact.size(); ++i) {
      EXPECT_EQ(mixed[i].scalar_type(), at::kFloat);
      const double error = ((mixed[i] - exact[i]).norm() / exact[i].norm()).item<double>();
      EXPECT_LT(error, 0.05) << decoder.parameters()[i].name;
      EXPECT_GT(error, 0.0) << decoder.parameters()[i].name;
    }
  }
}

std::vector<at::Tensor> TakeGradients(const Decoder& decoder) {
  std::vector<at::Tensor> gradients;
  for (const Parameter& p : decoder.parameters()) {
    gradients.push_back(p.tensor.grad().clone());
    p.tensor.mutable_grad().reset();
  }
  return gradients;
}

// A decoder of each kind that asks for gradients, and a batch.
void ForEachTrained(const std::function<void(Decoder&, const PackedBatch&, const at::Tensor& targets)>& body) {
  for (const auto architecture : kArchitectures) {
    Decoder decoder(TinyConfig(architecture));
    decoder.InitialiseRandom(3);
    decoder.SetRequiresGrad(true);
    const std::vector<std::vector<int32_t>> sequences{{3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8}, {2, 7, 1, 8, 2, 8}};
    const PackedBatch batch = PackSequences(sequences);
    body(decoder, batch, at::arange(batch.token_count(), at::kLong));
  }
}

at::Tensor MeanLoss(const Decoder& decoder, const PackedBatch& batch, const DecoderWeights& weights,
                    const at::Tensor& targets, ForwardOptions options = {}) {
  return -TokenLogProbs(decoder.ForwardPacked(batch, weights, options), weights.head_VD, targets).mean();
}

TEST(Model, RecomputedLayersGiveTheSameGradientsBitForBit) {
  ForEachTrained([](Decoder& decoder, const PackedBatch& batch, const at::Tensor& targets) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const DecoderWeights weights = decoder.Weights(type);
      MeanLoss(decoder, batch, weights, targets).backward();
      const auto kept = TakeGradients(decoder);
      MeanLoss(decoder, batch, weights, targets, {.recompute_layers = true}).backward();
      const auto again = TakeGradients(decoder);
      for (size_t i = 0; i < kept.size(); ++i)
        EXPECT_TRUE(at::equal(kept[i], again[i])) << decoder.parameters()[i].name;
    }
  });
}

TEST(Model, SequencesThatBeginAlikeShareRows) {
  const std::vector<std::vector<int32_t>> sequences{
      {3, 1, 4, 1, 5, 9}, {3, 1, 4}, {}, {7, 8}, {3, 1, 4, 1, 5, 2}, {3, 1}, {3, 1, 4, 1, 5, 9}};
  const PackedBatch plain = PackSequences(sequences), shared = PackSharingPrefixes(sequences);
  ASSERT_NE(shared.shared, nullptr);
  EXPECT_EQ(shared.cu_seqlens, plain.cu_seqlens);
  EXPECT_EQ(shared.row_count(), 6 + 1 + 2);
  for (int64_t t = 0; t < plain.token_count(); ++t) {
    const int64_t row = shared.RowOf(t);
    EXPECT_EQ(shared.tokens_N[row].item<int64_t>(), plain.tokens_N[t].item<int64_t>());
    EXPECT_EQ(shared.positions_N[row].item<int64_t>(), plain.positions_N[t].item<int64_t>());
  }
  const std::vector<std::vector<int32_t>> different{{1, 2, 3, 4, 5, 6, 7, 8}, {1, 3, 4, 5, 6, 7, 8, 9}};
  EXPECT_EQ(PackSharingPrefixes(different).shared, nullptr);  // not worth it
  EXPECT_EQ(PackSharingPrefixes({}).token_count(), 0);
}

TEST(Model, SharedRowsChangeRoundingOnly) {
  const std::vector<std::vector<int32_t>> sequences{{3, 1, 4, 1, 5, 9},    {3, 1, 4},         {}, {7, 8},
                                                    {3, 1, 4, 1, 5, 2, 6}, {3, 1, 4, 1, 5, 9}};
  const PackedBatch plain = PackSequences(sequences), shared = PackSharingPrefixes(sequences);
  const at::Tensor rows = at::tensor(shared.shared->row_T, at::kLong);
  for (const auto architecture : kArchitectures) {
    Decoder decoder(TinyConfig(architecture));
    decoder.InitialiseRandom(3);
    decoder.SetRequiresGrad(true);
    at::manual_seed(4);
    const at::Tensor along = at::randn({plain.token_count(), 37});  // every token is asked for something else
    for (const auto& [type, tolerance] : {std::pair(at::kFloat, 1e-5), std::pair(at::kBFloat16, 2e-2)}) {
      const DecoderWeights weights = decoder.Weights(type);
      const at::Tensor expected = Decoder::Logits(decoder.ForwardPacked(plain, weights), weights);
      (expected * along).sum().backward();
      const auto expected_gradients = TakeGradients(decoder);
      for (const bool recompute : {false, true}) {
        const at::Tensor hidden = decoder.ForwardPacked(shared, weights, {recompute}).index_select(0, rows);
        const at::Tensor logits = Decoder::Logits(hidden, weights);
        EXPECT_LT((logits - expected).norm().item<double>(), tolerance * expected.norm().item<double>());
        (logits * along).sum().backward();
        const auto gradients = TakeGradients(decoder);
        for (size_t i = 0; i < gradients.size(); ++i) {
          EXPECT_LE((gradients[i] - expected_gradients[i]).norm().item<double>(),
                    tolerance * expected_gradients[i].norm().item<double>() + 1e-6)
              << decoder.parameters()[i].name;
        }
      }
    }
  }
}

TEST(Model, ValuesDoNotDependOnWhetherGradientsAreRecorded) {
  ForEachTrained([](Decoder& decoder, const PackedBatch& batch, const at::Tensor& targets) {
    for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
      const at::Tensor recorded = MeanLoss(decoder, batch, decoder.Weights(type), targets);
      const at::NoGradGuard no_grad;
      EXPECT_TRUE(at::equal(MeanLoss(decoder, batch, decoder.Weights(type), targets), recorded.detach()));
    }
  });
}

// Many small gradients in bf16 add up in fp32: in bf16 a sum stops growing after 256 equal ones.
TEST(Model, MicroBatchesAddUpInFp32) {
  ForEachTrained([](Decoder& decoder, const PackedBatch& batch, const at::Tensor& targets) {
    const DecoderWeights weights = decoder.Weights(at::kBFloat16);
    MeanLoss(decoder, batch, weights, targets).backward();
    const auto once = TakeGradients(decoder);
    constexpr int kTimes = 600;
    for (int i = 0; i < kTimes; ++i) MeanLoss(decoder, batch, weights, targets).backward();
    const auto sums = TakeGradients(decoder);
    for (size_t i = 0; i < sums.size(); ++i) {
      EXPECT_TRUE(at::allclose(sums[i] / kTimes, once[i], 1e-4, 1e-9)) << decoder.parameters()[i].name;
    }
  });
}

TEST(Model, FrozenParametersHaveNoGradients) {
  ForEachTrained([](Decoder& decoder, const PackedBatch& batch, const at::Tensor& targets) {
    MeanLoss(decoder, batch, decoder.Weights(at::kFloat), targets).backward();
    const auto all = TakeGradients(decoder);
    // Nothing before the second layer's k projection asks for any.
    decoder.SetRequiresGrad(false);
    at::Tensor trained = *decoder.Find("model.layers.1.self_attn.k_proj.weight");
    trained.set_requires_grad(true);
    MeanLoss(decoder, batch, decoder.Weights(at::kFloat), targets).backward();
    for (size_t i = 0; i < all.size(); ++i) {
      const Parameter& p = decoder.parameters()[i];
      ASSERT_EQ(p.tensor.grad().defined(), p.tensor.is_same(trained)) << p.name;
      if (!p.tensor.grad().defined()) continue;
      EXPECT_TRUE(at::allclose(p.tensor.grad(), all[i], 1e-5, 1e-7));
    }
  });
}

TEST(Model, RefreshedWeightsAreThoseOfTheMasters) {
  ForEachTrained([](Decoder& decoder, const PackedBatch& batch, const at::Tensor&) {
    const DecoderWeights weights = decoder.Weights(at::kBFloat16);
    {
      const at::NoGradGuard no_grad;
      for (const Parameter& p : decoder.parameters()) p.tensor.mul_(1.5);
    }
    decoder.Refresh(weights);
    EXPECT_TRUE(at::equal(decoder.ForwardPacked(batch, weights), decoder.ForwardPacked(batch, at::kBFloat16)));
  });
}

TEST(Model, JointProjectionsShareStorageWithTheirParameters) {
  Decoder decoder(TinyConfig(weights::Architecture::kQwen2));
  decoder.InitialiseRandom(1);
  at::NoGradGuard no_grad;
  decoder.Find("model.layers.1.self_attn.k_proj.bias")->fill_(3.0);
  const DecoderWeights weights = decoder.Weights(at::kFloat);
  EXPECT_EQ(weights.layers[1].qkv_bias_C.narrow(0, 32, 16).min().item<float>(), 3.0f);
  EXPECT_EQ(weights.layers[1].qkv_bias_C.narrow(0, 0, 32).abs().max().item<float>(), 0.0f);
}

TEST(Model, RandomWeightsDependOnTheSeedAlone) {
  Decoder a(TinyConfig(weights::Architecture::kLlama)), b(TinyConfig(weights::Architecture::kLlama));
  a.InitialiseRandom(5);
  b.InitialiseRandom(5);
  for (size_t i = 0; i < a.parameters().size(); ++i) {
    EXPECT_TRUE(at::equal(a.parameters()[i].tensor, b.parameters()[i].tensor));
  }
  b.InitialiseRandom(6);
  EXPECT_FALSE(at::equal(a.parameters()[0].tensor, b.parameters()[0].tensor));
  EXPECT_NEAR(a.parameters()[0].tensor.std().item<double>(), 0.02, 0.002);
}

}  // namespace
}  // namespace jade::backbone
