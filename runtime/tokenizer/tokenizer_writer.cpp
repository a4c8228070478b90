// Writing tokenizer.json and tokenizer_config.json.

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "runtime/files/atomic_file.h"
#include "runtime/tokenizer/pattern_names.h"
#include "runtime/tokenizer/tokenizer.h"

namespace jade::tokenizer {
namespace {

using Json = nlohmann::ordered_json;

Json ByteLevel(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json Split(std::string_view pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

Json PreTokenizerObject(PreTokenizer kind) {
  const auto sequence = [](Json first, Json second) {
    return Json{{"type", "Sequence"}, {"pretokenizers", Json::array({std::move(first), std::move(second)})}};
  };
  switch (kind) {
    case PreTokenizer::kGpt2:
      return ByteLevel(true);
    case PreTokenizer::kSmolLm:
      return sequence({{"type", "Digits"}, {"individual_digits", true}}, ByteLevel(true));
    case PreTokenizer::kLlama3:
      return sequence(Split(kLlama3Pattern), ByteLevel(false));
    case PreTokenizer::kQwen2:
      return sequence(Split(kQwen2Pattern), ByteLevel(false));
  }
  return nullptr;
}

// Text before which a bos stands, as Llama 3's tokenizer.json has it.
Json PostProcessor(const TokenizerSpec& spec) {
  if (!spec.adds_bos || !spec.bos) return ByteLevel(true);
  const std::string& bos = spec.tokens[static_cast<size_t>(*spec.bos)];
  const auto token = [&](int type) { return Json{{"SpecialToken", {{"id", bos}, {"type_id", type}}}}; };
  const auto sequence = [](const char* id, int type) { return Json{{"Sequence", {{"id", id}, {"type_id", type}}}}; };
  Json processor = {{"type", "TemplateProcessing"}};
  processor["single"] = Json::array({token(0), sequence("A", 0)});
  processor["pair"] = Json::array({token(0), sequence("A", 0), token(1), sequence("B", 1)});
  processor["special_tokens"][bos] = {{"id", bos}, {"ids", Json::array({*spec.bos})}, {"tokens", Json::array({bos})}};
  return {{"type", "Sequence"}, {"processors", Json::array({ByteLevel(true), std::move(processor)})}};
}

Json AddedTokens(const TokenizerSpec& spec) {
  Json added = Json::array();
  for (const AddedToken& token : spec.added) {
    added.push_back({{"id", token.id},
                     {"content", token.content},
                     {"single_word", token.single_word},
                     {"lstrip", token.lstrip},
                     {"rstrip", token.rstrip},
                     {"normalized", false},
                     {"special", token.special}});
  }
  return added;
}

Json Model(const TokenizerSpec& spec) {
  Json vocabulary = Json::object();
  // The object keeps the order of its members in a vector; appending to that skips a search for each token.
  Json::object_t::Container& entries = vocabulary.get_ref<Json::object_t&>();
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    if (!spec.tokens[id].empty()) entries.emplace_back(spec.tokens[id], id);
  }
  Json merges = Json::array();
  for (const auto& [left, right] : spec.merges) merges.push_back(left + " " + right);
  Json model = {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", false},
                {"byte_fallback", false},
                {"ignore_merges", spec.ignore_merges}};
  if (spec.unk) model["unk_token"] = spec.tokens[static_cast<size_t>(*spec.unk)];
  model["vocab"] = std::move(vocabulary);
  model["merges"] = std::move(merges);
  return model;
}

std::string Dump(const Json& json) {
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string TokenizerJson(const TokenizerSpec& spec) {
  Json json = {{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}};
  json["added_tokens"] = AddedTokens(spec);
  json["normalizer"] = spec.normalise_nfc ? Json{{"type", "NFC"}} : Json(nullptr);
  json["pre_tokenizer"] = PreTokenizerObject(spec.pre_tokenizer);
  json["post_processor"] = PostProcessor(spec);
  json["decoder"] = ByteLevel(true);
  json["model"] = Model(spec);
  return Dump(json);
}

std::string TokenizerConfigJson(const TokenizerSpec& spec) {
  Json json = {{"tokenizer_class", "PreTrainedTokenizerFast"},
               {"clean_up_tokenization_spaces", false},
               {"add_prefix_space", false}};
  const std::pair<const char*, std::optional<int32_t>> tokens[] = {
      {"bos_token", spec.bos}, {"eos_token", spec.eos}, {"pad_token", spec.pad}, {"unk_token", spec.unk}};
  for (const auto& [name, id] : tokens) {
    json[name] = id ? Json(spec.tokens[static_cast<size_t>(*id)]) : Json(nullptr);
  }
  if (!spec.chat_template.empty()) json["chat_template"] = spec.chat_template;
  return Dump(json);
}

Status WriteTokenizerFiles(const TokenizerSpec& spec, const std::string& folder) {
  JADE_TRY(files::WriteFileAtomically(folder + "/tokenizer.json", TokenizerJson(spec)));
  return files::WriteFileAtomically(folder + "/tokenizer_config.json", TokenizerConfigJson(spec));
}

}  // namespace jade::tokenizer
