// Reading WordPiece vocabularies: Hugging Face's tokenizer.json, or vocab.txt with tokenizer_config.json.

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "runtime/tokenizer/json_reader.h"
#include "runtime/tokenizer/word_piece.h"

namespace jade::tokenizer {
namespace {

using internal::Field;
using internal::Json;

constexpr uint64_t kMaxVocabularyBytes = uint64_t{64} << 20;
constexpr int64_t kMaxTokens = 4'000'000;

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message));
}
Error Unsupported(std::string message) {
  return Error(ErrorCode::kUnsupported, std::move(message));
}

std::string TextOf(const Json& json, const char* name, std::string otherwise) {
  const Json* value = Field(json, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::move(otherwise);
}

bool FlagOf(const Json& json, const char* name, bool otherwise) {
  const Json* value = Field(json, name);
  return value != nullptr && value->is_boolean() ? value->get<bool>() : otherwise;
}

Result<Json> ParseObject(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Corrupt(internal::JsonProblem(text));
  if (!json.is_object()) return Corrupt("the file is not a JSON object");
  return json;
}

Status PutToken(const Json& id, std::string token, WordPieceSpec* spec) {
  if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= kMaxTokens) {
    return Corrupt(fmt::format("the token `{}` has an id that is out of range", token.substr(0, 64)));
  }
  const auto index = id.get<size_t>();
  if (index >= spec->tokens.size()) spec->tokens.resize(index + 1);
  if (!spec->tokens[index].empty() && spec->tokens[index] != token) {
    return Corrupt(fmt::format("the tokens `{}` and `{}` have the same id {}", spec->tokens[index].substr(0, 64),
                               token.substr(0, 64), index));
  }
  spec->tokens[index] = std::move(token);
  return {};
}

Status ReadModel(const Json& json, WordPieceSpec* spec) {
  const Json* model = Field(json, "model");
  if (model == nullptr || !model->is_object()) return Corrupt("`model` is missing or not an object");
  // Files of 2021 do not name the type; the prefix tells.
  if (TextOf(*model, "type", "WordPiece") != "WordPiece" || Field(*model, "continuing_subword_prefix") == nullptr) {
    return Unsupported(fmt::format("`model.type` is `{}`, not WordPiece", TextOf(*model, "type", "")));
  }
  spec->continuation = TextOf(*model, "continuing_subword_prefix", spec->continuation);
  spec->unknown = TextOf(*model, "unk_token", spec->unknown);
  if (const Json* longest = Field(*model, "max_input_chars_per_word"); longest && longest->is_number_integer()) {
    spec->max_word_characters = static_cast<int>(std::clamp<int64_t>(longest->get<int64_t>(), 1, 10'000));
  }
  const Json* vocabulary = Field(*model, "vocab");
  if (vocabulary == nullptr || !vocabulary->is_object()) return Corrupt("`model.vocab` is missing or not an object");
  for (const auto& [token, id] : vocabulary->items()) JADE_TRY(PutToken(id, token, spec));
  return {};
}

Status ReadAddedTokens(const Json& json, WordPieceSpec* spec) {
  const Json* added = Field(json, "added_tokens");
  if (added == nullptr || !added->is_array()) return {};
  for (const Json& entry : *added) {
    const Json* id = Field(entry, "id");
    if (id == nullptr) return Corrupt("`added_tokens` has an entry without an id");
    JADE_TRY(PutToken(*id, TextOf(entry, "content", ""), spec));
  }
  return {};
}

Status ReadNormaliser(const Json& json, WordPieceSpec* spec) {
  const Json* normaliser = Field(json, "normalizer");
  if (normaliser == nullptr || TextOf(*normaliser, "type", "") != "BertNormalizer") {
    return Unsupported("`normalizer` is not BertNormalizer");
  }
  spec->clean_text = FlagOf(*normaliser, "clean_text", true);
  spec->split_ideographs = FlagOf(*normaliser, "handle_chinese_chars", true);
  spec->lowercase = FlagOf(*normaliser, "lowercase", true);
  spec->strip_accents = FlagOf(*normaliser, "strip_accents", spec->lowercase);
  const Json* pre_tokenizer = Field(json, "pre_tokenizer");
  if (pre_tokenizer == nullptr || TextOf(*pre_tokenizer, "type", "") != "BertPreTokenizer") {
    return Unsupported("`pre_tokenizer` is not BertPreTokenizer");
  }
  return {};
}

// BertProcessing names its two tokens; TemplateProcessing lists [CLS] A [SEP].
Status ReadPostProcessor(const Json& json, WordPieceSpec* spec) {
  const Json* processor = Field(json, "post_processor");
  if (processor == nullptr || processor->is_null()) return {};
  if (TextOf(*processor, "type", "") == "BertProcessing") {
    for (const auto& [name, token] : {std::pair{"cls", &spec->first}, std::pair{"sep", &spec->last}}) {
      const Json* pair = Field(*processor, name);
      if (pair != nullptr && pair->is_array() && !pair->empty() && (*pair)[0].is_string()) *token = (*pair)[0];
    }
    return {};
  }
  const Json* single = Field(*processor, "single");
  if (single == nullptr || !single->is_array() || single->size() != 3) {
    return Unsupported("`post_processor` does not put one token before the text and one after it");
  }
  const Json* first = Field((*single)[0], "SpecialToken");
  const Json* last = Field((*single)[2], "SpecialToken");
  if (first == nullptr || last == nullptr || Field((*single)[1], "Sequence") == nullptr) {
    return Unsupported("`post_processor` does not put one token before the text and one after it");
  }
  spec->first = TextOf(*first, "id", spec->first);
  spec->last = TextOf(*last, "id", spec->last);
  return {};
}

std::string OptionalFile(const std::filesystem::path& path) {
  auto text = internal::ReadTextFile(path.string(), kMaxVocabularyBytes);
  return text.ok() ? std::move(text).value() : std::string();
}

Result<WordPieceSpec> SpecFromFolder(const std::filesystem::path& folder, std::string* path) {
  *path = (folder / "tokenizer.json").string();
  std::error_code ignored;
  if (std::filesystem::exists(*path, ignored)) {
    JADE_ASSIGN_OR_RETURN(const std::string json, internal::ReadTextFile(*path, kMaxVocabularyBytes));
    return WordPiece::SpecFromTokenizerJson(json);
  }
  *path = (folder / "vocab.txt").string();
  if (!std::filesystem::exists(*path, ignored)) {
    return Error(ErrorCode::kNotFound, "there is neither tokenizer.json nor vocab.txt");
  }
  JADE_ASSIGN_OR_RETURN(const std::string vocabulary, internal::ReadTextFile(*path, kMaxVocabularyBytes));
  return WordPiece::SpecFromVocabulary(vocabulary, OptionalFile(folder / "tokenizer_config.json"));
}

}  // namespace

Result<WordPieceSpec> WordPiece::SpecFromTokenizerJson(std::string_view text) {
  JADE_ASSIGN_OR_RETURN(const Json json, ParseObject(text));
  WordPieceSpec spec;
  JADE_TRY(ReadModel(json, &spec));
  JADE_TRY(ReadAddedTokens(json, &spec));
  JADE_TRY(ReadNormaliser(json, &spec));
  JADE_TRY(ReadPostProcessor(json, &spec));
  return spec;
}

Result<WordPieceSpec> WordPiece::SpecFromVocabulary(std::string_view vocabulary, std::string_view config_json) {
  WordPieceSpec spec;
  while (!vocabulary.empty()) {
    const size_t end = std::min(vocabulary.find('\n'), vocabulary.size());
    std::string_view token = vocabulary.substr(0, end);
    if (token.ends_with('\r')) token.remove_suffix(1);
    spec.tokens.emplace_back(token);
    vocabulary.remove_prefix(std::min(end + 1, vocabulary.size()));
  }
  if (config_json.empty()) return spec;
  JADE_ASSIGN_OR_RETURN(const Json config, ParseObject(config_json));
  spec.lowercase = FlagOf(config, "do_lower_case", true);
  spec.strip_accents = FlagOf(config, "strip_accents", spec.lowercase);
  spec.split_ideographs = FlagOf(config, "tokenize_chinese_chars", true);
  spec.unknown = TextOf(config, "unk_token", spec.unknown);
  spec.first = TextOf(config, "cls_token", spec.first);
  spec.last = TextOf(config, "sep_token", spec.last);
  return spec;
}

Result<WordPiece> WordPiece::LoadFolder(const std::string& folder) {
  std::string path;
  auto spec = SpecFromFolder(folder, &path);
  auto pieces = spec.ok() ? Create(std::move(spec).value()) : Result<WordPiece>(std::move(spec).error());
  if (!pieces.ok()) return std::move(pieces).error().Wrap(fmt::format("tokenizer `{}`", path));
  return pieces;
}

}  // namespace jade::tokenizer
