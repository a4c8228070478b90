#include <fmt/format.h>

#include <optional>

#include "runtime/weights/gguf.h"
#include "runtime/weights/model_config.h"

namespace jade::weights {
namespace {

// Metadata under "<architecture>.".
class Keys {
 public:
  Keys(const GgufFile& file, std::string prefix) : file_(file), prefix_(std::move(prefix)) {}

  int64_t Integer(std::string_view key, std::optional<int64_t> otherwise = {}) {
    if (const auto* value = file_.Get<int64_t>(prefix_ + std::string(key))) return *value;
    if (!otherwise && missing_.empty()) missing_ = prefix_ + std::string(key);
    return otherwise.value_or(0);
  }
  double Number(std::string_view key, double otherwise) const {
    const auto* value = file_.Get<double>(prefix_ + std::string(key));
    return value != nullptr ? *value : otherwise;
  }
  std::string Text(std::string_view key) const {
    const auto* value = file_.Get<std::string>(prefix_ + std::string(key));
    return value != nullptr ? *value : std::string();
  }
  Status status() const {
    if (missing_.empty()) return {};
    return Error(ErrorCode::kCorrupt, fmt::format("`{}` is missing or not a whole number", missing_));
  }

 private:
  const GgufFile& file_;
  std::string prefix_;
  std::string missing_;
};

Result<Architecture> ReadArchitecture(const GgufFile& file) {
  const auto* name = file.Get<std::string>("general.architecture");
  if (name == nullptr) return Error(ErrorCode::kCorrupt, "`general.architecture` is missing");
  for (Architecture architecture : {Architecture::kLlama, Architecture::kQwen2, Architecture::kQwen3}) {
    if (*name == ArchitectureName(architecture)) return architecture;
  }
  return Error(ErrorCode::kUnsupported,
               fmt::format("the architecture is `{}`; llama, qwen2 and qwen3 are supported", name->substr(0, 60)));
}

Status ReadRope(const GgufFile& file, const Keys& keys, ModelConfig* config) {
  config->rope_theta = keys.Number("rope.freq_base", 10000.0);
  const std::string scaling = keys.Text("rope.scaling.type");
  if (scaling == "linear") {
    config->rope_scaling.kind = RopeScaling::Kind::kLinear;
    config->rope_scaling.factor = keys.Number("rope.scaling.factor", 1.0);
  } else if (!scaling.empty() && scaling != "none") {
    return Error(ErrorCode::kUnsupported, fmt::format("rotary scaling `{}` is not supported", scaling.substr(0, 60)));
  }
  // Llama 3 scaling comes as factors of the frequencies.
  if (const TensorView* factors = file.Find("rope_freqs.weight")) {
    if (factors->elements() > (1 << 12)) return Error(ErrorCode::kCorrupt, "`rope_freqs.weight` is too large");
    config->rope_factors.resize(static_cast<size_t>(factors->elements()));
    JADE_TRY(Dequantise(factors->type, factors->data, config->rope_factors));
  }
  return {};
}

Result<ModelConfig> Read(const GgufFile& file) {
  ModelConfig config;
  JADE_ASSIGN_OR_RETURN(config.architecture, ReadArchitecture(file));
  Keys keys(file, fmt::format("{}.", ArchitectureName(config.architecture)));
  config.hidden_size = keys.Integer("embedding_length");
  config.layers = keys.Integer("block_count");
  config.heads = keys.Integer("attention.head_count");
  config.kv_heads = keys.Integer("attention.head_count_kv", config.heads);
  config.head_dim = keys.Integer("attention.key_length", config.heads > 0 ? config.hidden_size / config.heads : 0);
  config.ffn_size = keys.Integer("feed_forward_length");
  config.max_positions = keys.Integer("context_length");
  config.norm_eps = keys.Number("attention.layer_norm_rms_epsilon", 1e-5);
  JADE_TRY(keys.status());
  JADE_TRY(ReadRope(file, keys, &config));
  const TensorView* embedding = file.Find("token_embd.weight");
  if (embedding == nullptr || embedding->shape.size() != 2) {
    return Error(ErrorCode::kCorrupt, "there is no tensor `token_embd.weight` of two dimensions");
  }
  config.vocab_size = embedding->shape[0];
  config.tied_embeddings = file.Find("output.weight") == nullptr;
  config.qkv_bias = file.Find("blk.0.attn_q.bias") != nullptr;
  config.output_bias = file.Find("blk.0.attn_output.bias") != nullptr;
  config.mlp_bias = file.Find("blk.0.ffn_gate.bias") != nullptr;
  config.qk_norm = file.Find("blk.0.attn_q_norm.weight") != nullptr;
  if (const auto* bos = file.Get<int64_t>("tokenizer.ggml.bos_token_id")) config.bos_id = *bos;
  if (const auto* eos = file.Get<int64_t>("tokenizer.ggml.eos_token_id")) config.eos_ids = {*eos};
  JADE_TRY(ValidateModelConfig(config));
  return config;
}

}  // namespace

Result<ModelConfig> ModelConfigFromGguf(const GgufFile& file) {
  auto config = Read(file);
  if (!config.ok()) return std::move(config).error().Wrap(fmt::format("reading `{}`", file.name()));
  return config;
}

}  // namespace jade::weights
