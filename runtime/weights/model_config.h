#pragma once
// The shape of a Llama-family decoder, from a Hugging Face config.json or from GGUF metadata. Plain values.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"

namespace jade::weights {

class GgufFile;

enum class Architecture { kLlama, kQwen2, kQwen3 };
std::string_view ArchitectureName(Architecture architecture);  // "llama", "qwen2", "qwen3"

struct RopeScaling {
  enum class Kind { kNone, kLinear, kLlama3 };
  Kind kind = Kind::kNone;
  double factor = 1.0;
  double low_freq_factor = 1.0;           // Llama 3 only
  double high_freq_factor = 4.0;          // Llama 3 only
  int64_t original_max_positions = 8192;  // Llama 3 only
  friend bool operator==(const RopeScaling&, const RopeScaling&) = default;
};

struct ModelConfig {
  Architecture architecture = Architecture::kLlama;
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t layers = 0;
  int64_t heads = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  int64_t ffn_size = 0;
  int64_t max_positions = 0;
  double rope_theta = 10000.0;
  RopeScaling rope_scaling;
  std::vector<float> rope_factors;  // GGUF's `rope_freqs.weight` [head_dim / 2], divides the frequencies; else empty
  double norm_eps = 1e-5;
  bool tied_embeddings = false;
  bool qkv_bias = false;         // bias on q, k and v (Qwen2; Llama with attention_bias)
  bool output_bias = false;      // bias on the attention output (Llama with attention_bias)
  bool mlp_bias = false;         // Llama with mlp_bias
  bool qk_norm = false;          // RMS norm of each q and k head (Qwen3)
  int64_t bos_id = -1;           // -1: none
  std::vector<int64_t> eos_ids;  // may be empty
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

// Every size positive and below a bound that no real model reaches, heads a multiple of kv_heads, head_dim even, …
// kCorrupt names the field and its value.
Status ValidateModelConfig(const ModelConfig& config);

// Both validate. kUnsupported names an architecture, activation or rope scaling that we do not have.
Result<ModelConfig> ModelConfigFromJson(std::string_view json, const std::string& name);
Result<ModelConfig> LoadModelConfig(const std::string& path);  // a config.json
Result<ModelConfig> ModelConfigFromGguf(const GgufFile& file);

// config.json that `transformers` loads. `dtype` is "float32" or "bfloat16", the type of the saved tensors.
std::string ModelConfigJson(const ModelConfig& config, std::string_view dtype);

// Rotary inverse frequencies [head_dim / 2] with scaling applied: angle(position, i) = position · result[i].
std::vector<float> RopeInverseFrequencies(const ModelConfig& config);

// A tensor that a model of this configuration has, by its Hugging Face name, with its shape.
struct ExpectedTensor {
  std::string name;
  std::vector<int64_t> shape;
};
std::vector<ExpectedTensor> ExpectedTensors(const ModelConfig& config);

}  // namespace jade::weights
