#include "runtime/encoder/encoder_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

namespace jade::encoder {
namespace {

using nlohmann::json;

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message));
}
Error Unsupported(std::string message) {
  return Error(ErrorCode::kUnsupported, std::move(message));
}

Result<json> ParseObject(std::string_view text, std::string_view file) {
  json object = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return Corrupt(fmt::format("{} is not a JSON object", file));
  return object;
}

Result<int64_t> Size(const json& object, const char* name, int64_t most) {
  const auto it = object.find(name);
  if (it == object.end() || !it->is_number_integer()) return Corrupt(fmt::format("`{}` is missing or no number", name));
  const auto value = it->get<int64_t>();
  if (value < 1 || value > most) return Corrupt(fmt::format("`{}` is {}, not between 1 and {}", name, value, most));
  return value;
}

std::string Text(const json& object, const char* name, const char* otherwise) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : otherwise;
}

Result<Activation> ReadActivation(const json& object) {
  const std::string name = Text(object, "hidden_act", "gelu");
  if (name == "gelu") return Activation::kGelu;
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return Activation::kGeluTanh;
  if (name == "relu") return Activation::kRelu;
  return Unsupported(fmt::format("`hidden_act` is `{}`; gelu, gelu_new and relu are read", name.substr(0, 100)));
}

std::string Lowercase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

bool Has(const std::string& name, std::string_view part) {
  return name.find(part) != std::string::npos;
}

SentenceConfig KnownByName(std::string_view model_name) {
  const std::string name = Lowercase(model_name);
  SentenceConfig config;
  if (Has(name, "e5-") && !Has(name, "instruct")) {
    config.query_prefix = "query: ";
    config.passage_prefix = "passage: ";
  }
  if (Has(name, "bge-")) config.pooling = Pooling::kFirst;
  if (Has(name, "bge-") && Has(name, "-en")) {
    config.query_prefix = "Represent this sentence for searching relevant passages: ";
  }
  return config;
}

Status ReadPooling(const std::string& text, SentenceConfig* config) {
  JADE_ASSIGN_OR_RETURN(const json object, ParseObject(text, "1_Pooling/config.json"));
  std::vector<std::string> modes;
  for (const auto& [name, value] : object.items()) {
    if (name.starts_with("pooling_mode_") && value == true) modes.push_back(name.substr(13));
  }
  if (modes.size() != 1 || (modes[0] != "mean_tokens" && modes[0] != "cls_token")) {
    return Unsupported(fmt::format(
        "1_Pooling/config.json asks for the pooling `{}`; mean_tokens and cls_token are read", fmt::join(modes, ", ")));
  }
  config->pooling = modes[0] == "cls_token" ? Pooling::kFirst : Pooling::kMean;
  return {};
}

Status ReadPrompts(const std::string& text, SentenceConfig* config) {
  JADE_ASSIGN_OR_RETURN(const json object, ParseObject(text, "config_sentence_transformers.json"));
  const auto prompts = object.find("prompts");
  if (prompts == object.end() || !prompts->is_object()) return {};
  const auto prefix = [&prompts](const char* name, std::string* out) {
    const std::string found = Text(*prompts, name, "");
    if (!found.empty()) *out = found;
  };
  prefix("query", &config->query_prefix);
  prefix("document", &config->passage_prefix);
  prefix("passage", &config->passage_prefix);
  return {};
}

}  // namespace

std::string_view PoolingName(Pooling pooling) {
  return pooling == Pooling::kFirst ? "cls" : "mean";
}

Result<BertConfig> BertConfigFromJson(std::string_view text) {
  JADE_ASSIGN_OR_RETURN(const json object, ParseObject(text, "config.json"));
  if (const std::string type = Text(object, "model_type", "?"); type != "bert") {
    return Unsupported(fmt::format("`model_type` is `{}`; encoders of type bert are read", type.substr(0, 100)));
  }
  if (const std::string kind = Text(object, "position_embedding_type", "absolute"); kind != "absolute") {
    return Unsupported(fmt::format("`position_embedding_type` is `{}`, not absolute", kind.substr(0, 100)));
  }
  BertConfig config;
  JADE_ASSIGN_OR_RETURN(config.vocab_size, Size(object, "vocab_size", 4'000'000));
  JADE_ASSIGN_OR_RETURN(config.hidden_size, Size(object, "hidden_size", 65'536));
  JADE_ASSIGN_OR_RETURN(config.layers, Size(object, "num_hidden_layers", 1'000));
  JADE_ASSIGN_OR_RETURN(config.heads, Size(object, "num_attention_heads", 4'096));
  JADE_ASSIGN_OR_RETURN(config.ffn_size, Size(object, "intermediate_size", 1'000'000));
  JADE_ASSIGN_OR_RETURN(config.max_positions, Size(object, "max_position_embeddings", 1'000'000));
  JADE_ASSIGN_OR_RETURN(config.token_types, Size(object, "type_vocab_size", 1'000));
  if (config.hidden_size % config.heads != 0) {
    return Corrupt(fmt::format("`hidden_size` is {}, no multiple of the {} heads", config.hidden_size, config.heads));
  }
  if (config.max_positions < 3) return Corrupt("`max_position_embeddings` leaves no room for a text");
  JADE_ASSIGN_OR_RETURN(config.activation, ReadActivation(object));
  if (const auto eps = object.find("layer_norm_eps"); eps != object.end() && eps->is_number()) {
    config.norm_eps = eps->get<double>();
  }
  return config;
}

std::vector<weights::ExpectedTensor> ExpectedTensors(const BertConfig& config) {
  const int64_t hidden = config.hidden_size;
  std::vector<weights::ExpectedTensor> tensors = {
      {"embeddings.word_embeddings.weight", {config.vocab_size, hidden}},
      {"embeddings.position_embeddings.weight", {config.max_positions, hidden}},
      {"embeddings.token_type_embeddings.weight", {config.token_types, hidden}},
      {"embeddings.LayerNorm.weight", {hidden}},
      {"embeddings.LayerNorm.bias", {hidden}},
  };
  const auto linear = [&tensors](const std::string& name, int64_t out, int64_t in) {
    tensors.push_back({name + ".weight", {out, in}});
    tensors.push_back({name + ".bias", {out}});
  };
  const auto norm = [&tensors, hidden](const std::string& name) {
    tensors.push_back({name + ".weight", {hidden}});
    tensors.push_back({name + ".bias", {hidden}});
  };
  for (int64_t i = 0; i < config.layers; ++i) {
    const std::string layer = fmt::format("encoder.layer.{}.", i);
    for (const char* part : {"query", "key", "value"}) linear(layer + "attention.self." + part, hidden, hidden);
    linear(layer + "attention.output.dense", hidden, hidden);
    norm(layer + "attention.output.LayerNorm");
    linear(layer + "intermediate.dense", config.ffn_size, hidden);
    linear(layer + "output.dense", hidden, config.ffn_size);
    norm(layer + "output.LayerNorm");
  }
  return tensors;
}

Result<SentenceConfig> SentenceConfigFrom(const SentenceFiles& files, std::string_view model_name) {
  SentenceConfig config = KnownByName(model_name);
  if (!files.pooling.empty()) JADE_TRY(ReadPooling(files.pooling, &config));
  if (!files.prompts.empty()) JADE_TRY(ReadPrompts(files.prompts, &config));
  if (files.transform.empty()) return config;
  JADE_ASSIGN_OR_RETURN(const json object, ParseObject(files.transform, "sentence_bert_config.json"));
  if (object.contains("max_seq_length") && !object["max_seq_length"].is_null()) {
    JADE_ASSIGN_OR_RETURN(config.max_tokens, Size(object, "max_seq_length", 1'000'000));
  }
  return config;
}

}  // namespace jade::encoder
