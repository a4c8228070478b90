// What training does on a CUDA device, against the same on the processor, in fp32. Skipped where there is no device.

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/backbone/model.h"
#include "runtime/train/optimiser.h"
#include "runtime/train/token_loss.h"
#include "runtime/train/train_run_fixture.h"

namespace jade::train {
namespace {

const at::Device kCuda(at::kCUDA);

#define SKIP_WITHOUT_CUDA() \
  if (!backbone::CudaIsAvailable()) GTEST_SKIP() << "no CUDA device here"

backbone::ModelConfig Shape() {
  backbone::ModelConfig c;
  c.vocab_size = 101, c.hidden_size = 48, c.ffn_size = 72, c.layers = 3, c.heads = 6, c.kv_heads = 2, c.head_dim = 16;
  c.max_positions = 512, c.tied_embeddings = true;
  return c;
}

std::vector<std::vector<int32_t>> Sequences() {
  std::vector<std::vector<int32_t>> sequences;
  for (int s = 0; s < 5; ++s) {
    std::vector<int32_t>& tokens = sequences.emplace_back();
    for (int t = 0; t < 7 + 20 * s; ++t) tokens.push_back((t * t + 13 * s + 5) % 101);
  }
  return sequences;
}

// The distance of two tensors by the size of the second.
double Distance(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kCPU, at::kDouble), y = b.to(at::kCPU, at::kDouble);
  return ((x - y).norm() / (y.norm() + 1e-12)).item<double>();
}

struct Pass {
  std::shared_ptr<backbone::Decoder> decoder;
  at::Tensor hidden;
  std::vector<TokenScore> scores;
  double loss = 0;
};

// A forward pass, a loss over every token and its backward pass; the gradients stay in the decoder's parameters.
Pass RunPass(at::Device device, at::ScalarType dtype) {
  Pass pass;
  pass.decoder = std::make_shared<backbone::Decoder>(Shape(), device);
  pass.decoder->InitialiseRandom(7);
  pass.decoder->SetRequiresGrad(true);
  const auto sequences = Sequences();
  const backbone::PackedBatch batch = backbone::PackSequences(sequences, device);
  const backbone::DecoderWeights weights = pass.decoder->Weights(dtype);
  pass.hidden = pass.decoder->ForwardPacked(batch, weights);
  TokenRows rows;
  rows.targets_M = batch.tokens_N.roll(-1);
  rows.inverse_temperatures.assign(static_cast<size_t>(batch.token_count()), 1.25F);
  pass.scores = ScoreTokens(pass.hidden, weights.head_VD, rows, /*entropy=*/true);
  const at::Tensor loss =
      LinearTokenLoss(pass.hidden, weights.head_VD, rows, /*entropy=*/true, [](int64_t row, const TokenScore& score) {
        const float scale = 0.01F * static_cast<float>(row % 7 - 3);
        return TokenGradient{scale * score.log_prob, scale, 0.002F};
      });
  pass.loss = loss.item<double>();
  loss.backward();
  return pass;
}

TEST(CudaTraining, ForwardLossAndGradientsAreThoseOfTheProcessor) {
  SKIP_WITHOUT_CUDA();
  const Pass here = RunPass(at::kCPU, at::kFloat), there = RunPass(kCuda, at::kFloat);
  EXPECT_LT(Distance(there.hidden, here.hidden), 1e-4);
  EXPECT_NEAR(there.loss, here.loss, 1e-4 * (1 + std::abs(here.loss)));
  ASSERT_EQ(there.scores.size(), here.scores.size());
  for (size_t i = 0; i < here.scores.size(); ++i) {
    EXPECT_NEAR(there.scores[i].log_prob, here.scores[i].log_prob, 1e-3);
    EXPECT_NEAR(there.scores[i].entropy, here.scores[i].entropy, 1e-3);
  }
  for (size_t i = 0; i < here.decoder->parameters().size(); ++i) {
    const backbone::Parameter& parameter = here.decoder->parameters()[i];
    EXPECT_LT(Distance(there.decoder->parameters()[i].tensor.grad(), parameter.tensor.grad()), 1e-3) << parameter.name;
  }
}

TEST(CudaTraining, HalfPrecisionIsNearTheSingle) {
  SKIP_WITHOUT_CUDA();
  const Pass exact = RunPass(at::kCPU, at::kFloat), half = RunPass(kCuda, at::kBFloat16);
  EXPECT_LT(Distance(half.hidden, exact.hidden), 0.03);
  for (size_t i = 0; i < exact.decoder->parameters().size(); ++i) {
    const backbone::Parameter& parameter = exact.decoder->parameters()[i];
    EXPECT_LT(Distance(half.decoder->parameters()[i].tensor.grad(), parameter.tensor.grad()), 0.1) << parameter.name;
  }
}

TEST(CudaTraining, TheOptimiserMovesAsOnTheProcessor) {
  SKIP_WITHOUT_CUDA();
  for (const OptimiserKind kind : {OptimiserKind::kAdamW, OptimiserKind::kMuon}) {
    std::vector<at::Tensor> weights;
    for (const at::Device device : {at::Device(at::kCPU), kCuda}) {
      at::manual_seed(1);
      at::Tensor matrix = at::randn({24, 40}).to(device).set_requires_grad(true);
      at::Tensor vector = at::randn({40}).to(device).set_requires_grad(true);
      OptimiserOptions options;
      options.kind = kind;
      Optimiser optimiser({{matrix, true}, {vector}}, options);
      for (int step = 0; step < 3; ++step) {
        matrix.mutable_grad() = at::randn({24, 40}).to(device);
        vector.mutable_grad() = at::randn({40}).to(device);
        EXPECT_NEAR(optimiser.GradientNorm(), std::sqrt(1000.0), 3.0);
        optimiser.Step(0.1, 0.5);
      }
      weights.push_back(matrix.detach());
      weights.push_back(vector.detach());
    }
    EXPECT_LT(Distance(weights[2], weights[0]), 1e-4);
    EXPECT_LT(Distance(weights[3], weights[1]), 1e-4);
  }
}

class CudaTrainRun : public testing::TrainRunFixture {
 protected:
  TrainConfig OnCuda(const std::string& run, const std::string& more = "") {
    TrainConfig config = Config(run, more);
    config.settings.backbone.device = "cuda";
    return config;
  }
};

TEST_F(CudaTrainRun, TheFirstStepIsThatOfTheProcessor) {
  SKIP_WITHOUT_CUDA();
  TrainConfig here = Config("here"), there = OnCuda("there");
  here.steps = there.steps = 1;
  here.update.mini_batches = there.update.mini_batches = 1;
  ASSERT_TRUE(Train(here).ok());
  ASSERT_TRUE(Train(there).ok());
  const auto expected = Figures("here"), got = Figures("there");
  EXPECT_EQ(got.at({1, "policy/kl_step"}), 0.0);  // a ratio of exactly one
  EXPECT_EQ(got.at({1, "policy/clip_fraction"}), 0.0);
  EXPECT_LT(got.at({1, "train/mismatch_max"}), 1e-3);
  for (const char* tag : {"reward/mean", "policy/loss", "policy/grad_norm", "value/loss", "value/grad_norm"}) {
    EXPECT_NEAR(got.at({1, tag}), expected.at({1, tag}), 2e-3 * (1 + std::abs(expected.at({1, tag})))) << tag;
  }
}

TEST_F(CudaTrainRun, WhatIsRewardedBecomesLikelier) {
  SKIP_WITHOUT_CUDA();
  for (const CriticKind critic : {CriticKind::kModel, CriticKind::kHead}) {
    const std::string run = critic == CriticKind::kModel ? "model" : "head";
    TrainConfig config = OnCuda(run);
    config.critic = critic;
    config.steps = 30;
    const Result<TrainSummary> summary = Train(config);
    ASSERT_TRUE(summary.ok()) << summary.error().ToString();
    const auto figures = Figures(run);
    EXPECT_GT(figures.at({30, "reward/mean"}), figures.at({1, "reward/mean"}) + 0.1) << run;
  }
}

TEST_F(CudaTrainRun, HalfPrecisionAndRolesOfTheStart) {
  SKIP_WITHOUT_CUDA();
  TrainConfig config = OnCuda("run", "  roles: { train: [Say], others: start }\n");
  config.settings.backbone.dtype = "bf16";
  config.update.compute = ComputeType::kBf16;
  config.steps = 20;
  const Result<TrainSummary> summary = Train(config);
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  const auto figures = Figures("run");
  EXPECT_GT(figures.at({20, "reward/mean"}), figures.at({1, "reward/mean"}));
}

TEST_F(CudaTrainRun, AnInterruptedRunGoesOn) {
  SKIP_WITHOUT_CUDA();
  ASSERT_TRUE(Train(OnCuda("whole")).ok());
  ASSERT_TRUE(Train(OnCuda("parts"), {.stop_after_steps = 3}).ok());
  const Result<TrainSummary> summary = Train(OnCuda("parts"), {.resume = true});
  ASSERT_TRUE(summary.ok()) << summary.error().ToString();
  EXPECT_EQ(summary->steps, 6);
  // Sums on a device come in any order, so this is near and not exact.
  EXPECT_NEAR(Figures("parts").at({6, "reward/mean"}), Figures("whole").at({6, "reward/mean"}), 0.2);
}

}  // namespace
}  // namespace jade::train
