#include "runtime/weights/model_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace jade::weights {
namespace {

struct NamePair {
  std::string_view hugging_face;
  std::string_view gguf;
};
constexpr NamePair kLayerNames[] = {
    {"input_layernorm", "attn_norm"},    {"self_attn.q_proj", "attn_q"},
    {"self_attn.k_proj", "attn_k"},      {"self_attn.v_proj", "attn_v"},
    {"self_attn.o_proj", "attn_output"}, {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.k_norm", "attn_k_norm"}, {"post_attention_layernorm", "ffn_norm"},
    {"mlp.gate_proj", "ffn_gate"},       {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"},
};

bool EndsWith(std::string_view text, std::string_view end) {
  return text.ends_with(end);
}

// "self_attn.q_proj.weight" → 'q', of k likewise; 0 for every other tensor.
char RotaryProjection(std::string_view name) {
  for (const char* suffix : {"weight", "bias"}) {
    if (EndsWith(name, fmt::format("self_attn.q_proj.{}", suffix))) return 'q';
    if (EndsWith(name, fmt::format("self_attn.k_proj.{}", suffix))) return 'k';
  }
  return 0;
}

}  // namespace

std::string GgufTensorName(std::string_view name) {
  if (name == "model.embed_tokens.weight") return "token_embd.weight";
  if (name == "model.norm.weight") return "output_norm.weight";
  if (name == "lm_head.weight") return "output.weight";
  constexpr std::string_view kLayers = "model.layers.";
  if (!name.starts_with(kLayers)) return {};
  name.remove_prefix(kLayers.size());
  const size_t dot = name.find('.');
  const size_t last = name.rfind('.');
  if (dot == std::string_view::npos || dot == last) return {};
  const std::string_view middle = name.substr(dot + 1, last - dot - 1);
  for (const NamePair& pair : kLayerNames) {
    if (pair.hugging_face == middle)
      return fmt::format("blk.{}.{}{}", name.substr(0, dot), pair.gguf, name.substr(last));
  }
  return {};
}

void UnpermuteRotaryRows(std::span<float> rows, int64_t heads, int64_t columns) {
  JADE_CHECK(heads > 0 && columns > 0, "{} heads, {} columns", heads, columns);
  const auto head_dim = static_cast<int64_t>(rows.size()) / (heads * columns);
  JADE_CHECK(head_dim % 2 == 0 && head_dim * heads * columns == static_cast<int64_t>(rows.size()));
  std::vector<float> head(static_cast<size_t>(head_dim * columns));
  for (int64_t h = 0; h < heads; ++h) {
    const auto block = rows.subspan(static_cast<size_t>(h * head_dim * columns), head.size());
    for (int64_t row = 0; row < head_dim; ++row) {
      const int64_t to = (row % 2) * (head_dim / 2) + row / 2;
      std::copy_n(block.begin() + row * columns, columns, head.begin() + to * columns);
    }
    std::copy(head.begin(), head.end(), block.begin());
  }
}

Result<ModelFiles> ModelFiles::Open(const std::string& path) {
  ModelFiles files;
  files.path_ = path;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    JADE_ASSIGN_OR_RETURN(files.config_, LoadModelConfig((std::filesystem::path(path) / "config.json").string()));
    JADE_ASSIGN_OR_RETURN(files.safetensors_, SafetensorsSet::OpenFolder(path));
  } else {
    JADE_ASSIGN_OR_RETURN(files.gguf_, GgufFile::Open(path));
    JADE_ASSIGN_OR_RETURN(files.config_, ModelConfigFromGguf(*files.gguf_));
  }
  for (const ExpectedTensor& expected : ExpectedTensors(files.config_)) {
    const TensorView* tensor = files.Find(expected.name);
    if (tensor == nullptr) {
      return Error(ErrorCode::kCorrupt,
                   fmt::format("there is no tensor `{}` of shape {}", expected.name, ShapeText(expected.shape)))
          .Wrap(fmt::format("model `{}`", path));
    }
    if (tensor->shape != expected.shape) {
      return Error(ErrorCode::kCorrupt,
                   fmt::format("the tensor `{}` has the shape {}, but the model's configuration asks for {}",
                               expected.name, ShapeText(tensor->shape), ShapeText(expected.shape)))
          .Wrap(fmt::format("model `{}`", path));
    }
  }
  return files;
}

const TensorView* ModelFiles::Find(std::string_view name) const {
  if (safetensors_) return safetensors_->Find(name);
  return gguf_->Find(GgufTensorName(name));
}

Status ModelFiles::ReadFloats(std::string_view name, std::span<float> out) const {
  const TensorView* tensor = Find(name);
  if (tensor == nullptr) return Error(ErrorCode::kNotFound, fmt::format("`{}` has no tensor `{}`", path_, name));
  if (auto status = Dequantise(tensor->type, tensor->data, out); !status.ok()) {
    return std::move(status).error().Wrap(fmt::format("tensor `{}` of `{}`", name, path_));
  }
  const char projection = RotaryProjection(name);
  if (gguf_ && config_.architecture == Architecture::kLlama && projection != 0) {
    UnpermuteRotaryRows(out, projection == 'q' ? config_.heads : config_.kv_heads,
                        tensor->shape.size() == 2 ? tensor->shape[1] : 1);
  }
  return {};
}

Result<tokenizer::Tokenizer> ModelFiles::LoadTokenizer() const {
  if (safetensors_) {
    return tokenizer::Tokenizer::LoadTokenizerJson((std::filesystem::path(path_) / "tokenizer.json").string());
  }
  JADE_ASSIGN_OR_RETURN(auto spec, TokenizerSpecFromGguf(*gguf_));
  auto tokenizer = tokenizer::Tokenizer::Create(std::move(spec));
  if (!tokenizer.ok()) return std::move(tokenizer).error().Wrap(fmt::format("tokenizer of `{}`", path_));
  return tokenizer;
}

}  // namespace jade::weights
