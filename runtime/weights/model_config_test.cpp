#include "runtime/weights/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/weights/model_files.h"

namespace jade::weights {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kModels = JADE_SOURCE_DIR "/tests/fixtures/models/";

nlohmann::json Valid() {
  return {{"model_type", "llama"},   {"vocab_size", 100},        {"hidden_size", 64},
          {"num_hidden_layers", 2},  {"num_attention_heads", 4}, {"num_key_value_heads", 2},
          {"intermediate_size", 96}, {"rms_norm_eps", 1e-5},     {"max_position_embeddings", 128},
          {"eos_token_id", {1, 2}}};
}

std::string Problem(const nlohmann::json& json) {
  auto config = ModelConfigFromJson(json.dump(), "config.json");
  return config.ok() ? "no error" : config.error().ToString();
}

std::string ProblemWith(const char* key, const nlohmann::json& value) {
  auto json = Valid();
  json[key] = value;
  return Problem(json);
}

TEST(ModelConfigTest, DefaultsAreThoseOfTransformers) {
  auto config = ModelConfigFromJson(Valid().dump(), "config.json");
  ASSERT_TRUE(config.ok()) << config.error().ToString();
  EXPECT_EQ(config->head_dim, 16);
  EXPECT_EQ(config->rope_theta, 10000.0);
  EXPECT_FALSE(config->tied_embeddings || config->qkv_bias || config->qk_norm);
  EXPECT_THAT(config->eos_ids, ElementsAre(1, 2));
  EXPECT_EQ(config->bos_id, -1);
}

TEST(ModelConfigTest, HostileValuesAreRefusedByName) {
  EXPECT_THAT(ProblemWith("vocab_size", 0), HasSubstr("`vocab_size` is 0"));
  EXPECT_THAT(ProblemWith("hidden_size", int64_t{1} << 60), HasSubstr("`hidden_size` is 1152921504606846976"));
  EXPECT_THAT(ProblemWith("num_hidden_layers", -1), HasSubstr("`num_hidden_layers` is -1"));
  EXPECT_THAT(ProblemWith("num_attention_heads", 0), HasSubstr("`num_attention_heads` is 0"));
  EXPECT_THAT(ProblemWith("num_key_value_heads", 3), HasSubstr("not a multiple"));
  EXPECT_THAT(ProblemWith("head_dim", 15), HasSubstr("even number"));
  EXPECT_THAT(ProblemWith("rms_norm_eps", -1), HasSubstr("`rms_norm_eps` is -1"));
  EXPECT_THAT(ProblemWith("rope_theta", 0), HasSubstr("`rope_theta` is 0"));
  EXPECT_THAT(ProblemWith("eos_token_id", 100), HasSubstr("`eos_token_id` 100"));
  EXPECT_THAT(ProblemWith("hidden_size", "64"), HasSubstr("`hidden_size` is \"64\", not a whole number"));
  EXPECT_THAT(ProblemWith("rope_scaling", {{"rope_type", "yarn"}}), HasSubstr("`yarn`"));
  EXPECT_THAT(ProblemWith("rope_scaling", {{"rope_type", "llama3"}, {"low_freq_factor", 4}}), HasSubstr("not above"));
  EXPECT_THAT(ProblemWith("hidden_act", "gelu"), HasSubstr("`gelu`"));
  EXPECT_THAT(ProblemWith("model_type", "mamba"), HasSubstr("`mamba`; llama, qwen2 and qwen3"));
  auto json = Valid();
  json.erase("intermediate_size");
  EXPECT_THAT(Problem(json), HasSubstr("`intermediate_size` is missing"));
  EXPECT_THAT(ModelConfigFromJson("[1]", "c").error().ToString(), HasSubstr("not a JSON object"));
}

TEST(ModelConfigTest, WhatIsWrittenReadsBack) {
  for (const char* name : {"llama", "llama3-rope", "llama-bias", "qwen2", "qwen3"}) {
    auto config = LoadModelConfig(kModels + name + "/config.json");
    ASSERT_TRUE(config.ok()) << config.error().ToString();
    auto again = ModelConfigFromJson(ModelConfigJson(*config, "float32"), name);
    ASSERT_TRUE(again.ok()) << again.error().ToString();
    EXPECT_EQ(*config, *again) << name;
  }
}

TEST(ModelConfigTest, FixturesHaveTheFeaturesTheyAreFor) {
  const auto load = [](const char* name) { return LoadModelConfig(kModels + name + "/config.json").value(); };
  EXPECT_TRUE(load("llama").tied_embeddings);
  EXPECT_EQ(load("llama3-rope").rope_scaling.kind, RopeScaling::Kind::kLlama3);
  EXPECT_EQ(load("llama3-rope").rope_theta, 500000.0);
  EXPECT_TRUE(load("llama-bias").output_bias && load("llama-bias").mlp_bias);
  EXPECT_TRUE(load("qwen2").qkv_bias && !load("qwen2").output_bias);
  EXPECT_TRUE(load("qwen3").qk_norm);
  EXPECT_EQ(load("qwen3").head_dim, 32);
}

TEST(ModelConfigTest, RotaryFrequencies) {
  ModelConfig config;
  config.head_dim = 4;
  config.rope_theta = 100.0;
  EXPECT_THAT(RopeInverseFrequencies(config), ElementsAre(1.0F, testing::FloatEq(0.1F)));
  config.rope_scaling = {RopeScaling::Kind::kLinear, 4.0};
  EXPECT_THAT(RopeInverseFrequencies(config), ElementsAre(0.25F, testing::FloatEq(0.025F)));
  // Wavelengths 6.28 and 62.8; original 64: below 64/4 the first stays, the second lies between 16 and 64.
  config.rope_scaling = {RopeScaling::Kind::kLlama3, 8.0, 1.0, 4.0, 64};
  const double smooth = (64 / (2 * M_PI / 0.1) - 1) / 3;
  EXPECT_THAT(RopeInverseFrequencies(config),
              ElementsAre(1.0F, testing::FloatEq(static_cast<float>((1 - smooth) * 0.1 / 8 + smooth * 0.1))));
  config.rope_scaling.original_max_positions = 32;  // now the second is beyond 32/1
  EXPECT_THAT(RopeInverseFrequencies(config), ElementsAre(1.0F, testing::FloatEq(0.1F / 8)));
}

TEST(ModelFilesTest, FixtureFoldersOpen) {
  for (const char* name : {"llama", "llama3-rope", "llama-bias", "qwen2", "qwen3"}) {
    auto files = ModelFiles::Open(kModels + name);
    ASSERT_TRUE(files.ok()) << files.error().ToString();
    std::vector<float> row(static_cast<size_t>(files->config().hidden_size));
    ASSERT_TRUE(files->ReadFloats("model.norm.weight", row).ok());
    EXPECT_NEAR(row[0], 1.0F, 1.0F);
    EXPECT_EQ(files->ReadFloats("absent", row).error().code(), ErrorCode::kNotFound);
  }
}

TEST(ModelFilesTest, ShapesThatDisagreeWithTheConfigurationAreNamed) {
  const fs::path folder = fs::path(testing::TempDir()) / "jade_shapes_disagree";
  fs::remove_all(folder);
  fs::create_directories(folder);
  fs::copy_file(kModels + "llama/model.safetensors", folder / "model.safetensors");
  auto config = LoadModelConfig(kModels + "llama/config.json").value();
  const auto problem = [&] {
    std::ofstream(folder / "config.json") << ModelConfigJson(config, "float32");
    return ModelFiles::Open(folder.string()).error().ToString();
  };
  config.ffn_size = 100;
  EXPECT_THAT(problem(), HasSubstr("`model.layers.0.mlp.gate_proj.weight` has the shape [112, 64], but the model's "
                                   "configuration asks for [100, 64]"));
  config.ffn_size = 112;
  config.layers = 3;
  EXPECT_THAT(problem(), HasSubstr("there is no tensor `model.layers.2.input_layernorm.weight` of shape [64]"));
  fs::remove_all(folder);
  EXPECT_EQ(ModelFiles::Open(folder.string()).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace jade::weights
