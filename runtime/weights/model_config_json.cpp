// config.json of Hugging Face's transformers, in the forms before and since version 5 (which moves the rotary settings
// into `rope_parameters`).

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "compiler/source/source.h"
#include "runtime/weights/model_config.h"

namespace jade::weights {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message));
}
Error Unsupported(std::string message) {
  return Error(ErrorCode::kUnsupported, std::move(message));
}

// Typed members with defaults. The first member of the wrong type is remembered, so that reading needs no check a line.
class Fields {
 public:
  explicit Fields(const Json& json) : json_(json) {}

  const Json* Find(const char* name) const {
    const auto it = json_.find(name);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
  }

  int64_t Integer(const char* name, std::optional<int64_t> otherwise) {
    const Json* value = Find(name);
    if (value == nullptr && otherwise) return *otherwise;
    if (value != nullptr && value->is_number_integer()) return value->get<int64_t>();
    return Fail(name, value, "a whole number"), 0;
  }

  double Number(const char* name, double otherwise) {
    const Json* value = Find(name);
    if (value == nullptr) return otherwise;
    if (value->is_number()) return value->get<double>();
    return Fail(name, value, "a number"), otherwise;
  }

  bool Flag(const char* name, bool otherwise) {
    const Json* value = Find(name);
    if (value == nullptr) return otherwise;
    if (value->is_boolean()) return value->get<bool>();
    return Fail(name, value, "true or false"), otherwise;
  }

  std::string Text(const char* name, std::string otherwise) {
    const Json* value = Find(name);
    if (value == nullptr) return otherwise;
    if (value->is_string()) return value->get<std::string>();
    return Fail(name, value, "text"), otherwise;
  }

  // A number, or a list of them.
  std::vector<int64_t> Integers(const char* name) {
    std::vector<int64_t> values;
    const Json* value = Find(name);
    if (value == nullptr) return values;
    for (const Json& element : value->is_array() ? *value : Json::array({*value})) {
      if (!element.is_number_integer()) return Fail(name, value, "a whole number or a list of them"), values;
      values.push_back(element.get<int64_t>());
    }
    return values;
  }

  Status status() const { return problem_.empty() ? Status() : Status(Corrupt(problem_)); }

 private:
  void Fail(const char* name, const Json* value, const char* wanted) {
    if (!problem_.empty()) return;
    problem_ = value == nullptr
                   ? fmt::format("`{}` is missing", name)
                   : fmt::format("`{}` is {}, not {}", name,
                                 value->dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 60), wanted);
  }

  const Json& json_;
  std::string problem_;
};

Status ReadArchitecture(Fields* fields, ModelConfig* config) {
  const std::string type = fields->Text("model_type", "");
  if (type == "llama") {
    config->architecture = Architecture::kLlama;
    config->qkv_bias = config->output_bias = fields->Flag("attention_bias", false);
    config->mlp_bias = fields->Flag("mlp_bias", false);
  } else if (type == "qwen2") {
    config->architecture = Architecture::kQwen2;
    config->qkv_bias = true;
  } else if (type == "qwen3") {
    config->architecture = Architecture::kQwen3;
    config->qk_norm = true;
    config->qkv_bias = config->output_bias = fields->Flag("attention_bias", false);
  } else {
    return Unsupported(fmt::format("`model_type` is `{}`; llama, qwen2 and qwen3 are supported", type));
  }
  if (const std::string act = fields->Text("hidden_act", "silu"); act != "silu") {
    return Unsupported(fmt::format("`hidden_act` is `{}`; only silu is supported", act));
  }
  if (fields->Flag("use_sliding_window", false)) return Unsupported("`use_sliding_window` is set");
  return {};
}

Status ReadRope(Fields* fields, ModelConfig* config) {
  config->rope_theta = fields->Number("rope_theta", 10000.0);
  const Json* rope = fields->Find("rope_parameters");
  if (rope == nullptr) rope = fields->Find("rope_scaling");
  if (rope == nullptr) return {};
  if (!rope->is_object()) return Corrupt("`rope_scaling` is not an object");
  Fields scaling(*rope);
  config->rope_theta = scaling.Number("rope_theta", config->rope_theta);
  const std::string kind = scaling.Text("rope_type", scaling.Text("type", "default"));
  if (kind == "linear" || kind == "llama3") {
    config->rope_scaling.factor = scaling.Number("factor", 1.0);
    config->rope_scaling.kind = kind == "linear" ? RopeScaling::Kind::kLinear : RopeScaling::Kind::kLlama3;
  } else if (kind != "default") {
    return Unsupported(fmt::format("`rope_scaling` is of the type `{}`; linear and llama3 are supported", kind));
  }
  if (kind == "llama3") {
    config->rope_scaling.low_freq_factor = scaling.Number("low_freq_factor", 1.0);
    config->rope_scaling.high_freq_factor = scaling.Number("high_freq_factor", 4.0);
    config->rope_scaling.original_max_positions = scaling.Integer("original_max_position_embeddings", 8192);
  }
  return scaling.status();
}

Result<ModelConfig> Read(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Corrupt("not a JSON object");
  Fields fields(json);
  ModelConfig config;
  JADE_TRY(ReadArchitecture(&fields, &config));
  config.vocab_size = fields.Integer("vocab_size", std::nullopt);
  config.hidden_size = fields.Integer("hidden_size", std::nullopt);
  config.layers = fields.Integer("num_hidden_layers", std::nullopt);
  config.heads = fields.Integer("num_attention_heads", std::nullopt);
  config.kv_heads = fields.Integer("num_key_value_heads", config.heads);
  config.head_dim = fields.Integer("head_dim", config.heads > 0 ? config.hidden_size / config.heads : 0);
  config.ffn_size = fields.Integer("intermediate_size", std::nullopt);
  config.max_positions = fields.Integer("max_position_embeddings", 2048);
  config.norm_eps = fields.Number("rms_norm_eps", 1e-6);
  config.tied_embeddings = fields.Flag("tie_word_embeddings", false);
  config.bos_id = fields.Integer("bos_token_id", -1);
  config.eos_ids = fields.Integers("eos_token_id");
  JADE_TRY(ReadRope(&fields, &config));
  JADE_TRY(fields.status());
  JADE_TRY(ValidateModelConfig(config));
  return config;
}

std::string_view ClassName(Architecture architecture) {
  switch (architecture) {
    case Architecture::kLlama:
      return "LlamaForCausalLM";
    case Architecture::kQwen2:
      return "Qwen2ForCausalLM";
    case Architecture::kQwen3:
      return "Qwen3ForCausalLM";
  }
  return "LlamaForCausalLM";
}

Json RopeScalingJson(const RopeScaling& scaling) {
  switch (scaling.kind) {
    case RopeScaling::Kind::kNone:
      return nullptr;
    case RopeScaling::Kind::kLinear:
      return {{"rope_type", "linear"}, {"factor", scaling.factor}};
    case RopeScaling::Kind::kLlama3:
      return {{"rope_type", "llama3"},
              {"factor", scaling.factor},
              {"low_freq_factor", scaling.low_freq_factor},
              {"high_freq_factor", scaling.high_freq_factor},
              {"original_max_position_embeddings", scaling.original_max_positions}};
  }
  return nullptr;
}

}  // namespace

Result<ModelConfig> ModelConfigFromJson(std::string_view json, const std::string& name) {
  auto config = Read(json);
  if (!config.ok()) return std::move(config).error().Wrap(fmt::format("reading `{}`", name));
  return config;
}

Result<ModelConfig> LoadModelConfig(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const std::string text, source::ReadFile(path, kMaxConfigBytes));
  return ModelConfigFromJson(text, path);
}

std::string ModelConfigJson(const ModelConfig& config, std::string_view dtype) {
  Json json = {{"architectures", Json::array({ClassName(config.architecture)})},
               {"model_type", ArchitectureName(config.architecture)},
               {"vocab_size", config.vocab_size},
               {"hidden_size", config.hidden_size},
               {"num_hidden_layers", config.layers},
               {"num_attention_heads", config.heads},
               {"num_key_value_heads", config.kv_heads},
               {"head_dim", config.head_dim},
               {"intermediate_size", config.ffn_size},
               {"max_position_embeddings", config.max_positions},
               {"hidden_act", "silu"},
               {"rms_norm_eps", config.norm_eps},
               {"rope_theta", config.rope_theta},
               {"rope_scaling", RopeScalingJson(config.rope_scaling)},
               {"tie_word_embeddings", config.tied_embeddings},
               {"use_cache", true}};
  if (config.architecture != Architecture::kQwen2) json["attention_bias"] = config.qkv_bias;
  if (config.architecture == Architecture::kLlama) json["mlp_bias"] = config.mlp_bias;
  json["bos_token_id"] = config.bos_id >= 0 ? Json(config.bos_id) : Json(nullptr);
  if (config.eos_ids.size() == 1) {
    json["eos_token_id"] = config.eos_ids[0];
  } else {
    json["eos_token_id"] = config.eos_ids.empty() ? Json(nullptr) : Json(config.eos_ids);
  }
  json["torch_dtype"] = dtype;
  return json.dump(2) + "\n";
}

}  // namespace jade::weights
