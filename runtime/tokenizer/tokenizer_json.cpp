// Reading Hugging Face's tokenizer.json and tokenizer_config.json.

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/tokenizer/json_reader.h"
#include "runtime/tokenizer/pattern_names.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/tokenizer_state.h"

namespace jade::tokenizer {
namespace {

using internal::Field;
using internal::Json;
using internal::ReadTextFile;

constexpr uint64_t kMaxTokenizerBytes = uint64_t{256} << 20;
constexpr uint64_t kMaxConfigBytes = uint64_t{16} << 20;

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message));
}
Error Unsupported(std::string message) {
  return Error(ErrorCode::kUnsupported, std::move(message));
}

Result<Json> ParseObject(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return Corrupt(internal::JsonProblem(text));
  if (!json.is_object()) return Corrupt("the file is not a JSON object");
  return json;
}

std::string_view TypeOf(const Json& json) {
  const Json* type = Field(json, "type");
  return type != nullptr && type->is_string() ? std::string_view(type->get_ref<const std::string&>()) : "";
}

bool Flag(const Json& json, const char* name, bool otherwise) {
  const Json* flag = Field(json, name);
  return flag != nullptr && flag->is_boolean() ? flag->get<bool>() : otherwise;
}

Status ReadNormaliser(const Json& normaliser, TokenizerSpec* spec) {
  if (normaliser.is_null()) return {};
  if (TypeOf(normaliser) == "NFC") {
    spec->normalise_nfc = true;
    return {};
  }
  if (const Json* parts = Field(normaliser, "normalizers"); TypeOf(normaliser) == "Sequence" && parts) {
    if (!parts->is_array()) return Corrupt("`normalizer.normalizers` is not a list");
    for (const Json& part : *parts) {
      if (TypeOf(part) == "Sequence") return Unsupported("nested normalizer sequences are not read");
      JADE_TRY(ReadNormaliser(part, spec));
    }
    return {};
  }
  return Unsupported(fmt::format("`normalizer` is `{}`; only NFC is read", TypeOf(normaliser)));
}

Result<PreTokenizer> ReadSplit(const Json& split) {
  const Json* pattern = Field(split, "pattern");
  const Json* regex = pattern ? Field(*pattern, "Regex") : nullptr;
  const Json* behavior = Field(split, "behavior");
  if (regex == nullptr || !regex->is_string())
    return Unsupported("`pre_tokenizer` splits by something else than a regex");
  if (behavior == nullptr || *behavior != "Isolated" || Flag(split, "invert", false)) {
    return Unsupported("`pre_tokenizer` splits with another behavior than `Isolated`");
  }
  const auto& expression = regex->get_ref<const std::string&>();
  if (const auto known = PreTokenizerOfPattern(expression)) return *known;
  return Unsupported(
      fmt::format("`pre_tokenizer` uses an expression that is not known: {}", expression.substr(0, 200)));
}

Status CheckByteLevel(const Json& byte_level, bool expect_regex) {
  if (TypeOf(byte_level) != "ByteLevel") {
    return Unsupported(fmt::format("`pre_tokenizer` has a `{}` where ByteLevel is expected", TypeOf(byte_level)));
  }
  if (Flag(byte_level, "add_prefix_space", true)) {
    return Unsupported("`pre_tokenizer` adds a space before the text (add_prefix_space), which is not supported");
  }
  if (Flag(byte_level, "use_regex", true) != expect_regex) {
    return Unsupported("`pre_tokenizer` combines ByteLevel's expression with another in a way that is not known");
  }
  return {};
}

// The pre-tokenizers that models of our families have: ByteLevel; [Digits, ByteLevel]; [Split, ByteLevel].
Result<PreTokenizer> ReadPreTokenizer(const Json& json) {
  if (TypeOf(json) == "ByteLevel") {
    JADE_TRY(CheckByteLevel(json, true));
    return PreTokenizer::kGpt2;
  }
  const Json* parts = Field(json, "pretokenizers");
  if (TypeOf(json) != "Sequence" || parts == nullptr || !parts->is_array() || parts->size() != 2) {
    return Unsupported(fmt::format(
        "`pre_tokenizer` is `{}`; byte-level ones of GPT-2, SmolLM2, Llama 3 and Qwen 2 are read", TypeOf(json)));
  }
  const Json& first = (*parts)[0];
  if (TypeOf(first) == "Digits") {
    if (!Flag(first, "individual_digits", false)) return Unsupported("`pre_tokenizer` splits digits in groups");
    JADE_TRY(CheckByteLevel((*parts)[1], true));
    return PreTokenizer::kSmolLm;
  }
  if (TypeOf(first) != "Split") {
    return Unsupported(fmt::format("`pre_tokenizer` begins with `{}`, which is not known", TypeOf(first)));
  }
  JADE_TRY(CheckByteLevel((*parts)[1], false));
  return ReadSplit(first);
}

Status ReadVocabulary(const Json& model, TokenizerSpec* spec) {
  const Json* vocabulary = Field(model, "vocab");
  if (vocabulary == nullptr || !vocabulary->is_object()) return Corrupt("`model.vocab` is missing or not an object");
  for (const auto& [token, id] : vocabulary->items()) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= static_cast<int64_t>(kMaxVocabSize)) {
      return Corrupt(fmt::format("`model.vocab` gives `{}` the id {}, which is out of range", token.substr(0, 64),
                                 id.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 32)));
    }
    const auto index = id.get<size_t>();
    if (index >= spec->tokens.size()) spec->tokens.resize(index + 1);
    if (!spec->tokens[index].empty()) return Corrupt(fmt::format("two tokens of `model.vocab` have the id {}", index));
    spec->tokens[index] = token;
  }
  return {};
}

// "a b", or since 2024 ["a", "b"].
Status ReadMerges(const Json& model, TokenizerSpec* spec) {
  const Json* merges = Field(model, "merges");
  if (merges == nullptr || !merges->is_array()) return Corrupt("`model.merges` is missing or not a list");
  spec->merges.reserve(merges->size());
  for (const Json& merge : *merges) {
    if (merge.is_string()) {
      const auto& text = merge.get_ref<const std::string&>();
      const size_t space = text.find(' ');
      if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
        spec->merges.emplace_back(text.substr(0, space), text.substr(space + 1));
        continue;
      }
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      spec->merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    return Corrupt(fmt::format("`model.merges[{}]` is not two tokens", spec->merges.size()));
  }
  return {};
}

Status ReadModel(const Json& json, TokenizerSpec* spec) {
  const Json* model = Field(json, "model");
  if (model == nullptr || !model->is_object()) return Corrupt("`model` is missing or not an object");
  if (!TypeOf(*model).empty() && TypeOf(*model) != "BPE") {
    return Unsupported(fmt::format("`model.type` is `{}`; only byte-level BPE is read", TypeOf(*model)));
  }
  for (const char* option : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    const Json* value = Field(*model, option);
    if (value != nullptr && !value->is_null() && *value != "") {
      return Unsupported(fmt::format("`model.{}` is set, which byte-level BPE does not do", option));
    }
  }
  if (Flag(*model, "byte_fallback", false))
    return Unsupported("`model.byte_fallback` is set; only byte-level BPE is read");
  spec->ignore_merges = Flag(*model, "ignore_merges", false);
  JADE_TRY(ReadVocabulary(*model, spec));
  return ReadMerges(*model, spec);
}

Status ReadAddedTokens(const Json& json, TokenizerSpec* spec) {
  const Json* added = Field(json, "added_tokens");
  if (added == nullptr || added->is_null()) return {};
  if (!added->is_array()) return Corrupt("`added_tokens` is not a list");
  for (const Json& entry : *added) {
    const Json* id = Field(entry, "id");
    const Json* content = Field(entry, "content");
    if (id == nullptr || !id->is_number_integer() || content == nullptr || !content->is_string()) {
      return Corrupt(fmt::format("`added_tokens[{}]` lacks an id or a content", spec->added.size()));
    }
    const auto value = id->get<int64_t>();
    if (value < 0 || value >= static_cast<int64_t>(kMaxVocabSize)) {
      return Corrupt(fmt::format("`added_tokens[{}]` has the id {}, which is out of range", spec->added.size(), value));
    }
    spec->added.push_back({static_cast<int32_t>(value), content->get<std::string>(), Flag(entry, "special", false),
                           Flag(entry, "lstrip", false), Flag(entry, "rstrip", false),
                           Flag(entry, "single_word", false)});
  }
  return {};
}

std::optional<int32_t> FindToken(const TokenizerSpec& spec, std::string_view content) {
  for (const AddedToken& token : spec.added) {
    if (token.content == content) return token.id;
  }
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    if (spec.tokens[id] == content) return static_cast<int32_t>(id);
  }
  return std::nullopt;
}

// A TemplateProcessing post-processor that begins with a special token: the model expects it before every text.
void ReadPostProcessor(const Json& json, TokenizerSpec* spec) {
  if (const Json* parts = Field(json, "processors"); parts != nullptr && parts->is_array()) {
    for (const Json& part : *parts) {
      if (TypeOf(part) == "TemplateProcessing") ReadPostProcessor(part, spec);
    }
    return;
  }
  const Json* single = Field(json, "single");
  if (single == nullptr || !single->is_array() || single->empty()) return;
  const Json* token = Field((*single)[0], "SpecialToken");
  const Json* content = token ? Field(*token, "id") : nullptr;
  if (content == nullptr || !content->is_string()) return;
  spec->bos = FindToken(*spec, content->get_ref<const std::string&>());
  spec->adds_bos = spec->bos.has_value();
}

// tokenizer_config.json writes a token as text or as {"content": …}.
std::optional<int32_t> ConfigToken(const Json& config, const char* name, const TokenizerSpec& spec) {
  const Json* token = Field(config, name);
  if (token != nullptr && token->is_object()) token = Field(*token, "content");
  if (token == nullptr || !token->is_string()) return std::nullopt;
  return FindToken(spec, token->get_ref<const std::string&>());
}

std::string ChatTemplate(const Json& config) {
  const Json* text = Field(config, "chat_template");
  if (text == nullptr) return {};
  if (text->is_string()) return text->get<std::string>();
  if (!text->is_array()) return {};
  for (const Json& entry : *text) {  // several by name
    const Json* name = Field(entry, "name");
    const Json* body = Field(entry, "template");
    if (name != nullptr && *name == "default" && body != nullptr && body->is_string()) return body->get<std::string>();
  }
  return {};
}

Status ReadConfig(std::string_view text, TokenizerSpec* spec) {
  if (text.empty()) return {};
  auto config = ParseObject(text);
  if (!config.ok()) return std::move(config).error().Wrap("tokenizer_config.json");
  if (const auto bos = ConfigToken(*config, "bos_token", *spec); bos && !spec->adds_bos) spec->bos = bos;
  spec->eos = ConfigToken(*config, "eos_token", *spec);
  spec->pad = ConfigToken(*config, "pad_token", *spec);
  spec->chat_template = ChatTemplate(*config);
  return {};
}

Result<TokenizerSpec> SpecFromJson(std::string_view json_text, std::string_view config_text) {
  JADE_ASSIGN_OR_RETURN(const Json json, ParseObject(json_text));
  TokenizerSpec spec;
  if (const Json* normaliser = Field(json, "normalizer")) JADE_TRY(ReadNormaliser(*normaliser, &spec));
  const Json* pre_tokenizer = Field(json, "pre_tokenizer");
  if (pre_tokenizer == nullptr) return Corrupt("`pre_tokenizer` is missing");
  JADE_ASSIGN_OR_RETURN(spec.pre_tokenizer, ReadPreTokenizer(*pre_tokenizer));
  JADE_TRY(ReadModel(json, &spec));
  JADE_TRY(ReadAddedTokens(json, &spec));
  if (const Json* processor = Field(json, "post_processor")) ReadPostProcessor(*processor, &spec);
  if (const Json* unk = Field(json["model"], "unk_token"); unk != nullptr && unk->is_string()) {
    spec.unk = FindToken(spec, unk->get_ref<const std::string&>());
  }
  JADE_TRY(ReadConfig(config_text, &spec));
  return spec;
}

std::string OptionalFile(const std::filesystem::path& path) {
  auto text = ReadTextFile(path.string(), kMaxConfigBytes);
  return text.ok() ? std::move(text).value() : std::string();
}

}  // namespace

Result<Tokenizer> Tokenizer::FromJson(std::string_view json, std::string_view config_json, const std::string& name) {
  auto spec = SpecFromJson(json, config_json);
  if (!spec.ok()) return std::move(spec).error().Wrap(fmt::format("tokenizer `{}`", name));
  auto tokenizer = Create(std::move(spec).value());
  if (!tokenizer.ok()) return std::move(tokenizer).error().Wrap(fmt::format("tokenizer `{}`", name));
  return tokenizer;
}

Result<Tokenizer> Tokenizer::LoadTokenizerJson(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  JADE_ASSIGN_OR_RETURN(const std::string json, ReadTextFile(path, kMaxTokenizerBytes));
  const std::string config = OptionalFile(folder / "tokenizer_config.json");
  const std::string chat_template = OptionalFile(folder / "chat_template.jinja");
  auto spec = SpecFromJson(json, config);
  if (!spec.ok()) return std::move(spec).error().Wrap(fmt::format("tokenizer `{}`", path));
  if (!chat_template.empty()) spec->chat_template = chat_template;
  auto tokenizer = Create(std::move(spec).value());
  if (!tokenizer.ok()) return std::move(tokenizer).error().Wrap(fmt::format("tokenizer `{}`", path));
  return tokenizer;
}

}  // namespace jade::tokenizer
