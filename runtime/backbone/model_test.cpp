#include "runtime/backbone/model.h"

#include <gtest/gtest.h>

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
