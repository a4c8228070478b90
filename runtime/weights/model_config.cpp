#include "runtime/weights/model_config.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <numbers>

namespace jade::weights {
namespace {

struct Bound {
  const char* field;
  int64_t value;
  int64_t max;
};

bool IsPositive(double value) {
  return std::isfinite(value) && value > 0;
}

Error Bad(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message));
}

}  // namespace

std::string_view ArchitectureName(Architecture architecture) {
  switch (architecture) {
    case Architecture::kLlama:
      return "llama";
    case Architecture::kQwen2:
      return "qwen2";
    case Architecture::kQwen3:
      return "qwen3";
  }
  return "llama";
}

Status ValidateModelConfig(const ModelConfig& config) {
  const Bound bounds[] = {
      {"vocab_size", config.vocab_size, 1 << 22},        {"hidden_size", config.hidden_size, 1 << 16},
      {"num_hidden_layers", config.layers, 1 << 10},     {"num_attention_heads", config.heads, 1 << 10},
      {"num_key_value_heads", config.kv_heads, 1 << 10}, {"head_dim", config.head_dim, 1 << 12},
      {"intermediate_size", config.ffn_size, 1 << 20},   {"max_position_embeddings", config.max_positions, 1 << 26},
  };
  for (const Bound& bound : bounds) {
    if (bound.value < 1 || bound.value > bound.max) {
      return Bad(fmt::format("`{}` is {}; it must be between 1 and {}", bound.field, bound.value, bound.max));
    }
  }
  if (config.heads % config.kv_heads != 0) {
    return Bad(fmt::format("`num_attention_heads` ({}) is not a multiple of `num_key_value_heads` ({})", config.heads,
                           config.kv_heads));
  }
  if (config.head_dim % 2 != 0) {
    return Bad(fmt::format("`head_dim` is {}; rotary embedding needs an even number", config.head_dim));
  }
  if (!IsPositive(config.rope_theta)) return Bad(fmt::format("`rope_theta` is {}", config.rope_theta));
  if (!IsPositive(config.norm_eps) || config.norm_eps > 1)
    return Bad(fmt::format("`rms_norm_eps` is {}", config.norm_eps));
  const RopeScaling& scaling = config.rope_scaling;
  if (!IsPositive(scaling.factor) || !IsPositive(scaling.low_freq_factor) || !IsPositive(scaling.high_freq_factor) ||
      scaling.original_max_positions < 1) {
    return Bad("`rope_scaling` has a factor that is not positive");
  }
  if (scaling.kind == RopeScaling::Kind::kLlama3 && scaling.high_freq_factor <= scaling.low_freq_factor) {
    return Bad("`rope_scaling.high_freq_factor` is not above `low_freq_factor`");
  }
  if (!config.rope_factors.empty() && config.rope_factors.size() != static_cast<size_t>(config.head_dim / 2)) {
    return Bad(fmt::format("there are {} rotary factors for a head dimension of {}", config.rope_factors.size(),
                           config.head_dim));
  }
  for (int64_t id : config.eos_ids) {
    if (id < 0 || id >= config.vocab_size) {
      return Bad(fmt::format("`eos_token_id` {} is not below `vocab_size` {}", id, config.vocab_size));
    }
  }
  if (config.bos_id < -1 || config.bos_id >= config.vocab_size) {
    return Bad(fmt::format("`bos_token_id` {} is not below `vocab_size` {}", config.bos_id, config.vocab_size));
  }
  return {};
}

// Llama 3 scaling: wavelengths above original/low are stretched by `factor`, those below original/high stay, and those
// between are interpolated (as `transformers` computes it, in single precision).
std::vector<float> RopeInverseFrequencies(const ModelConfig& config) {
  std::vector<float> frequencies;
  const auto half = static_cast<size_t>(config.head_dim / 2);
  const RopeScaling& scaling = config.rope_scaling;
  for (size_t i = 0; i < half; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(config.head_dim);
    float frequency = 1.0F / std::pow(static_cast<float>(config.rope_theta), exponent);
    if (!config.rope_factors.empty()) frequency /= config.rope_factors[i];
    if (scaling.kind == RopeScaling::Kind::kLinear) frequency /= static_cast<float>(scaling.factor);
    if (scaling.kind == RopeScaling::Kind::kLlama3) {
      const auto original = static_cast<double>(scaling.original_max_positions);
      const double wavelength = 2 * std::numbers::pi / frequency;
      const double smooth =
          (original / wavelength - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor);
      if (wavelength > original / scaling.low_freq_factor) {
        frequency /= static_cast<float>(scaling.factor);
      } else if (wavelength >= original / scaling.high_freq_factor) {
        frequency = static_cast<float>((1 - smooth) * frequency / scaling.factor + smooth * frequency);
      }
    }
    frequencies.push_back(frequency);
  }
  return frequencies;
}

std::vector<ExpectedTensor> ExpectedTensors(const ModelConfig& config) {
  const int64_t hidden = config.hidden_size;
  const int64_t q_size = config.heads * config.head_dim;
  const int64_t kv_size = config.kv_heads * config.head_dim;
  std::vector<ExpectedTensor> tensors = {{"model.embed_tokens.weight", {config.vocab_size, hidden}}};
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    const auto add = [&](const char* name, std::vector<int64_t> shape) {
      tensors.push_back({fmt::format("model.layers.{}.{}", layer, name), std::move(shape)});
    };
    add("input_layernorm.weight", {hidden});
    add("self_attn.q_proj.weight", {q_size, hidden});
    add("self_attn.k_proj.weight", {kv_size, hidden});
    add("self_attn.v_proj.weight", {kv_size, hidden});
    add("self_attn.o_proj.weight", {hidden, q_size});
    if (config.qkv_bias) {
      add("self_attn.q_proj.bias", {q_size});
      add("self_attn.k_proj.bias", {kv_size});
      add("self_attn.v_proj.bias", {kv_size});
    }
    if (config.output_bias) add("self_attn.o_proj.bias", {hidden});
    if (config.qk_norm) {
      add("self_attn.q_norm.weight", {config.head_dim});
      add("self_attn.k_norm.weight", {config.head_dim});
    }
    add("post_attention_layernorm.weight", {hidden});
    add("mlp.gate_proj.weight", {config.ffn_size, hidden});
    add("mlp.up_proj.weight", {config.ffn_size, hidden});
    add("mlp.down_proj.weight", {hidden, config.ffn_size});
    if (config.mlp_bias) {
      add("mlp.gate_proj.bias", {config.ffn_size});
      add("mlp.up_proj.bias", {config.ffn_size});
      add("mlp.down_proj.bias", {hidden});
    }
  }
  tensors.push_back({"model.norm.weight", {hidden}});
  if (!config.tied_embeddings) tensors.push_back({"lm_head.weight", {config.vocab_size, hidden}});
  return tensors;
}

}  // namespace jade::weights
