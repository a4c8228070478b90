// The tokenizer that a GGUF carries (`tokenizer.ggml.*`).

#include <fmt/format.h>

#include "runtime/weights/gguf.h"

namespace jade::weights {
namespace {

// Kinds of tokens, as in llama.cpp's `llama_token_type`.
constexpr int64_t kControl = 3;
constexpr int64_t kUserDefined = 4;
constexpr int64_t kUnused = 5;

Error Missing(std::string_view key) {
  return Error(ErrorCode::kCorrupt, fmt::format("`{}` is missing or of the wrong type", key));
}

struct PreName {
  std::string_view name;
  tokenizer::PreTokenizer kind;
};
constexpr PreName kPreNames[] = {
    {"gpt-2", tokenizer::PreTokenizer::kGpt2},       {"smollm", tokenizer::PreTokenizer::kSmolLm},
    {"llama-bpe", tokenizer::PreTokenizer::kLlama3}, {"llama3", tokenizer::PreTokenizer::kLlama3},
    {"llama-v3", tokenizer::PreTokenizer::kLlama3},  {"smaug-bpe", tokenizer::PreTokenizer::kLlama3},
    {"qwen2", tokenizer::PreTokenizer::kQwen2},
};

Status ReadPreTokenizer(const GgufFile& file, tokenizer::TokenizerSpec* spec) {
  const auto* model = file.Get<std::string>("tokenizer.ggml.model");
  if (model == nullptr) return Missing("tokenizer.ggml.model");
  if (*model != "gpt2") {
    return Error(ErrorCode::kUnsupported,
                 fmt::format("the tokenizer is of the kind `{}`; only byte-level BPE (`gpt2`) is read", *model));
  }
  const auto* pre = file.Get<std::string>("tokenizer.ggml.pre");
  if (pre == nullptr) return Missing("tokenizer.ggml.pre");
  for (const PreName& known : kPreNames) {
    if (known.name != *pre) continue;
    spec->pre_tokenizer = known.kind;
    spec->normalise_nfc = known.kind == tokenizer::PreTokenizer::kQwen2;
    spec->ignore_merges = known.kind == tokenizer::PreTokenizer::kLlama3;
    return {};
  }
  return Error(ErrorCode::kUnsupported,
               fmt::format("the pre-tokenizer `{}` is not known; gpt-2, smollm, llama-bpe and qwen2 are", *pre));
}

Status ReadTokens(const GgufFile& file, tokenizer::TokenizerSpec* spec) {
  const auto* tokens = file.Get<std::vector<std::string>>("tokenizer.ggml.tokens");
  const auto* kinds = file.Get<std::vector<int64_t>>("tokenizer.ggml.token_type");
  if (tokens == nullptr) return Missing("tokenizer.ggml.tokens");
  if (kinds != nullptr && kinds->size() != tokens->size()) {
    return Error(ErrorCode::kCorrupt, fmt::format("`tokenizer.ggml.token_type` has {} entries for {} tokens",
                                                  kinds->size(), tokens->size()));
  }
  spec->tokens = *tokens;
  for (size_t id = 0; kinds != nullptr && id < tokens->size(); ++id) {
    const int64_t kind = (*kinds)[id];
    if (kind == kUnused) spec->tokens[id].clear();
    if (kind == kControl || kind == kUserDefined) {
      spec->added.push_back({static_cast<int32_t>(id), (*tokens)[id], kind == kControl});
    }
  }
  return {};
}

Status ReadMerges(const GgufFile& file, tokenizer::TokenizerSpec* spec) {
  const auto* merges = file.Get<std::vector<std::string>>("tokenizer.ggml.merges");
  if (merges == nullptr) return Missing("tokenizer.ggml.merges");
  for (const std::string& merge : *merges) {
    const size_t space = merge.find(' ', 1);
    if (space == std::string::npos) {
      return Error(ErrorCode::kCorrupt,
                   fmt::format("`tokenizer.ggml.merges[{}]` is not two tokens", spec->merges.size()));
    }
    spec->merges.emplace_back(merge.substr(0, space), merge.substr(space + 1));
  }
  return {};
}

std::optional<int32_t> ReadId(const GgufFile& file, std::string_view key) {
  const auto* id = file.Get<int64_t>(key);
  if (id == nullptr || *id < 0 || *id > INT32_MAX) return std::nullopt;
  return static_cast<int32_t>(*id);
}

Result<tokenizer::TokenizerSpec> ReadSpec(const GgufFile& file) {
  tokenizer::TokenizerSpec spec;
  JADE_TRY(ReadPreTokenizer(file, &spec));
  JADE_TRY(ReadTokens(file, &spec));
  JADE_TRY(ReadMerges(file, &spec));
  spec.bos = ReadId(file, "tokenizer.ggml.bos_token_id");
  spec.eos = ReadId(file, "tokenizer.ggml.eos_token_id");
  spec.pad = ReadId(file, "tokenizer.ggml.padding_token_id");
  const auto* adds_bos = file.Get<bool>("tokenizer.ggml.add_bos_token");
  spec.adds_bos =
      spec.bos && (adds_bos != nullptr ? *adds_bos : spec.pre_tokenizer == tokenizer::PreTokenizer::kLlama3);
  if (const auto* text = file.Get<std::string>("tokenizer.chat_template")) spec.chat_template = *text;
  return spec;
}

}  // namespace

Result<tokenizer::TokenizerSpec> TokenizerSpecFromGguf(const GgufFile& file) {
  auto spec = ReadSpec(file);
  if (!spec.ok()) return std::move(spec).error().Wrap(fmt::format("tokenizer of `{}`", file.name()));
  return spec;
}

}  // namespace jade::weights
