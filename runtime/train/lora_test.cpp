#include "runtime/train/lora.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/backbone/fused_ops.h"
#include "runtime/train/training_fixtures.h"
#include "runtime/weights/safetensors.h"

namespace jade::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

weights::ModelConfig SmallShape() {
  weights::ModelConfig c;
  c.vocab_size = 41, c.hidden_size = 24, c.layers = 2, c.heads = 4, c.kv_heads = 2, c.head_dim = 8, c.ffn_size = 20;
  c.max_positions = 64, c.tied_embeddings = true;
  return c;
}

// A frozen decoder and adapters whose B is not zero any more.
class Lora : public ::testing::Test {
 protected:
  Lora() : model_(SmallShape()) {
    model_.InitialiseRandom(3);
    const at::NoGradGuard no_grad;
    for (const backbone::Parameter& p : model_.parameters()) {
      if (p.tensor.dim() == 2) p.tensor.mul_(6.0);  // differences well above rounding
    }
    const std::vector<std::vector<int32_t>> sequences{{3, 1, 4, 1, 5, 9}, {2, 6, 5}};
    batch_ = backbone::PackSequences(sequences);
  }

  static LoraAdapters Trained(const std::vector<std::string>& targets = {}) {
    auto adapters = LoraAdapters::Create(SmallShape(), {.rank = 3, .alpha = 6, .targets = targets, .seed = 5});
    EXPECT_TRUE(adapters.ok()) << adapters.error().ToString();
    const at::NoGradGuard no_grad;
    at::manual_seed(9);
    for (const backbone::Parameter& p : adapters->tensors()) p.tensor.add_(at::randn(p.tensor.sizes()), 0.1);
    return std::move(*adapters);
  }

  at::Tensor Loss(const backbone::DecoderWeights& weights, backbone::ForwardOptions options = {}) const {
    const at::Tensor targets = at::tensor({1, 4, 1, 5, 9, 0, 6, 5, 0}, at::kLong);
    return -backbone::TokenLogProbs(model_.ForwardPacked(batch_, weights, options), weights.head_VD, targets).mean();
  }

  backbone::Decoder model_;
  backbone::PackedBatch batch_;
};

TEST_F(Lora, GradientsAgreeWithFiniteDifferencesAndTheBaseHasNone) {
  const LoraAdapters adapters = Trained();
  const backbone::DecoderWeights weights = adapters.AttachedTo(model_.Weights(at::kFloat));
  Loss(weights).backward();
  for (const backbone::Parameter& p : model_.parameters()) EXPECT_FALSE(p.tensor.grad().defined()) << p.name;
  for (const backbone::Parameter& p : adapters.tensors()) {
    ASSERT_TRUE(p.tensor.grad().defined()) << p.name;
    const double analytic = p.tensor.grad().norm().item<double>();
    const at::Tensor direction = p.tensor.grad() / analytic;
    const at::NoGradGuard no_grad;
    const double step = 2e-3;
    p.tensor.add_(direction, step);
    const double above = Loss(weights).item<double>();
    p.tensor.add_(direction, -2 * step);
    const double below = Loss(weights).item<double>();
    p.tensor.add_(direction, step);
    EXPECT_NEAR((above - below) / (2 * step), analytic, 1e-3 + 0.03 * analytic) << p.name;
  }
}

TEST_F(Lora, RecomputedLayersGiveTheSameGradients) {
  const LoraAdapters adapters = Trained({"down_proj"});  // nothing before it in the first layer asks for gradients
  const backbone::DecoderWeights weights = adapters.AttachedTo(model_.Weights(at::kFloat));
  Loss(weights).backward();
  std::vector<at::Tensor> kept;
  for (const backbone::Parameter& p : adapters.tensors()) {
    kept.push_back(p.tensor.grad().clone());
    p.tensor.mutable_grad().reset();
  }
  Loss(weights, {.recompute_layers = true}).backward();
  for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(at::equal(adapters.tensors()[i].tensor.grad(), kept[i])) << i;
}

TEST_F(Lora, OffIsTheBaseAndFreshOnIsToo) {
  const at::NoGradGuard no_grad;
  const auto fresh = LoraAdapters::Create(SmallShape(), {.rank = 2, .alpha = 4, .seed = 1});
  ASSERT_TRUE(fresh.ok());
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    const backbone::DecoderWeights base = model_.Weights(type);
    const at::Tensor before = model_.ForwardPacked(batch_, base);
    const backbone::DecoderWeights on = Trained().AttachedTo(base);
    EXPECT_FALSE(at::allclose(model_.ForwardPacked(batch_, on), before, 1e-3, 1e-3));
    EXPECT_TRUE(at::equal(model_.ForwardPacked(batch_, base), before));
    EXPECT_TRUE(at::equal(model_.ForwardPacked(batch_, fresh->AttachedTo(base)), before));  // B is zero
  }
}

TEST_F(Lora, MergingEqualsAddingAndTheBaseComesBack) {
  const at::NoGradGuard no_grad;
  const TemporaryFolder folder;
  const LoraAdapters adapters = Trained();
  const at::Tensor added = model_.ForwardPacked(batch_, adapters.AttachedTo(model_.Weights(at::kFloat)));
  const at::Tensor before = model_.ForwardPacked(batch_);
  ASSERT_TRUE(adapters.SaveMerged(model_, folder / "merged").ok());
  EXPECT_TRUE(at::equal(model_.ForwardPacked(batch_), before));
  const auto files = weights::ModelFiles::Open(folder / "merged");
  ASSERT_TRUE(files.ok()) << files.error().ToString();
  const auto loaded = backbone::LoadDecoder(*files);
  ASSERT_TRUE(loaded.ok()) << loaded.error().ToString();
  EXPECT_TRUE(at::allclose((*loaded)->ForwardPacked(batch_), added, 1e-4, 1e-4));
  adapters.MergeInto(model_);
  EXPECT_TRUE(at::allclose(model_.ForwardPacked(batch_), added, 1e-4, 1e-4));
}

TEST_F(Lora, PeftReadsWhatIsWrittenAndTheOtherWayRound) {
  const TemporaryFolder folder;
  const LoraAdapters adapters = Trained({"v_proj", "q_proj"});
  ASSERT_TRUE(adapters.Save(folder / "adapter", "base").ok());
  std::ifstream config_file(folder / "adapter/adapter_config.json");
  const auto config = nlohmann::json::parse(config_file);
  EXPECT_EQ(config["peft_type"], "LORA");
  EXPECT_EQ(config["r"], 3);
  EXPECT_EQ(config["lora_alpha"], 6.0);
  EXPECT_EQ(config["base_model_name_or_path"], "base");
  EXPECT_THAT(config["target_modules"].get<std::vector<std::string>>(), ElementsAre("q_proj", "v_proj"));
  const auto file = weights::SafetensorsFile::Open(folder / "adapter/adapter_model.safetensors");
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  EXPECT_EQ(file->tensors().size(), 8U);
  const auto* a = file->Find("base_model.model.model.layers.1.self_attn.v_proj.lora_A.weight");
  const auto* b = file->Find("base_model.model.model.layers.1.self_attn.v_proj.lora_B.weight");
  ASSERT_TRUE(a != nullptr && b != nullptr);
  EXPECT_THAT(a->shape, ElementsAre(3, 24));
  EXPECT_THAT(b->shape, ElementsAre(16, 3));
  const auto loaded = LoraAdapters::Load(SmallShape(), folder / "adapter");
  ASSERT_TRUE(loaded.ok()) << loaded.error().ToString();
  EXPECT_EQ(loaded->scale(), 2.0);
  ASSERT_EQ(loaded->tensors().size(), adapters.tensors().size());
  for (size_t i = 0; i < loaded->tensors().size(); ++i) {
    EXPECT_TRUE(at::equal(loaded->tensors()[i].tensor, adapters.tensors()[i].tensor)) << i;
  }
}

std::string LoadError(const TemporaryFolder& folder, const std::string& config) {
  folder.Write("adapter/adapter_config.json", config);
  const auto loaded = LoraAdapters::Load(SmallShape(), folder / "adapter");
  return loaded.ok() ? "" : loaded.error().ToString();
}

TEST_F(Lora, WhatIsNotPlainLoraIsRefused) {
  const TemporaryFolder folder;
  ASSERT_TRUE(Trained({"q_proj"}).Save(folder / "adapter", "base").ok());
  EXPECT_THAT(LoadError(folder, "[]"), HasSubstr("no JSON object"));
  EXPECT_THAT(LoadError(folder, "{"), HasSubstr("no JSON object"));
  EXPECT_THAT(LoadError(folder, R"({"r": 3})"), HasSubstr("`lora_alpha` is no number"));
  EXPECT_THAT(LoadError(folder, R"({"r": 1.5, "lora_alpha": 6})"), HasSubstr("`r` is no whole number"));
  EXPECT_THAT(LoadError(folder, R"({"r": 3, "lora_alpha": 6, "target_modules": ".*"})"), HasSubstr("no list of names"));
  EXPECT_THAT(LoadError(folder, R"({"r": 3, "lora_alpha": 6, "target_modules": ["lm_head"]})"), HasSubstr("`lm_head`"));
  EXPECT_THAT(LoadError(folder, R"({"r": 9999, "lora_alpha": 6, "target_modules": ["q_proj"]})"), HasSubstr("9999"));
  EXPECT_THAT(LoadError(folder, R"({"r": 3, "lora_alpha": 6, "target_modules": ["q_proj"], "use_dora": true})"),
              HasSubstr("`use_dora`"));
  EXPECT_THAT(LoadError(folder, R"({"r": 4, "lora_alpha": 6, "target_modules": ["q_proj"]})"), HasSubstr("[4, 24]"));
  EXPECT_THAT(LoadError(folder, R"({"r": 3, "lora_alpha": 6, "target_modules": ["up_proj"]})"), HasSubstr("up_proj"));
  EXPECT_THAT(LoadError(folder, R"({"r": 3, "lora_alpha": 6, "target_modules": ["q_proj"]})"), "");
}

TEST_F(Lora, OptionsOutOfRange) {
  EXPECT_FALSE(LoraAdapters::Create(SmallShape(), {.rank = 0}).ok());
  EXPECT_FALSE(LoraAdapters::Create(SmallShape(), {.alpha = -1}).ok());
  EXPECT_FALSE(LoraAdapters::Create(SmallShape(), {.targets = {"q_proj", "q_proj"}}).ok());
  EXPECT_EQ(LoraAdapters::Create(SmallShape(), {})->options().targets.size(), 7U);
}

// A few steps in mixed precision lower the loss, and only adapters move.
TEST_F(Lora, LearnsInMixedPrecision) {
  auto adapters = LoraAdapters::Create(SmallShape(), {.rank = 4, .alpha = 8, .seed = 2});
  ASSERT_TRUE(adapters.ok());
  Optimiser optimiser(adapters->parameters(), {.weight_decay = 0.0});
  const at::Tensor master = model_.Find("model.layers.0.mlp.up_proj.weight")->clone();
  const backbone::DecoderWeights weights = adapters->AttachedTo(model_.Weights(at::kBFloat16));
  const double first = Loss(weights).item<double>();
  for (int step = 0; step < 30; ++step) {
    Loss(weights).backward();
    optimiser.Step(1e-2, 1.0);
  }
  EXPECT_LT(Loss(weights).item<double>(), 0.5 * first);
  EXPECT_TRUE(at::equal(*model_.Find("model.layers.0.mlp.up_proj.weight"), master));
}

}  // namespace
}  // namespace jade::train
