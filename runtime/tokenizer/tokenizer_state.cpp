#include "runtime/tokenizer/tokenizer_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/tokenizer/byte_alphabet.h"
#include "runtime/tokenizer/unicode.h"
#include "runtime/tokenizer/word_scanner.h"

namespace jade::tokenizer {
namespace {

constexpr size_t kMaxWordToMerge = size_t{1} << 30;  // positions in a word are 32 bits wide

Error Corrupt(std::string message) {
  return Error(ErrorCode::kCorrupt, std::move(message));
}

// Messages quote what a file says: cut it and keep it printable.
std::string Quoted(std::string_view text) {
  std::string shown = ReplaceInvalidUtf8(text.substr(0, 64));
  if (text.size() > 64) shown += "…";
  return "`" + shown + "`";
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

}  // namespace

Status Tokenizer::State::Build() {
  if (spec.tokens.empty()) return Corrupt("the vocabulary is empty");
  if (spec.tokens.size() > kMaxVocabSize) {
    return Corrupt(
        fmt::format("the vocabulary claims {} tokens; at most {} are accepted", spec.tokens.size(), kMaxVocabSize));
  }
  JADE_TRY(AddAddedTokens());
  JADE_TRY(AddTokens());
  JADE_TRY(AddMerges());
  return CheckControlIds();
}

Status Tokenizer::State::AddAddedTokens() {
  for (const AddedToken& token : spec.added) {
    if (token.id < 0 || static_cast<size_t>(token.id) >= kMaxVocabSize) {
      return Corrupt(
          fmt::format("added token {} has the id {}, which is out of range", Quoted(token.content), token.id));
    }
    if (token.content.empty()) return Corrupt(fmt::format("the added token with the id {} is empty", token.id));
    const auto id = static_cast<size_t>(token.id);
    if (id >= spec.tokens.size()) spec.tokens.resize(id + 1);
    special.resize(spec.tokens.size());
    bytes.resize(spec.tokens.size());
    if (!bytes[id].empty()) return Corrupt(fmt::format("two added tokens have the id {}", token.id));
    bytes[id] = token.content;
    special[id] = token.special;
    spec.tokens[id] = token.content;
  }
  special.resize(spec.tokens.size());
  bytes.resize(spec.tokens.size());
  for (const AddedToken& token : spec.added) {
    if (!added_by_content.emplace(token.content, token.id).second) {
      return Corrupt(fmt::format("the added token {} is listed twice", Quoted(token.content)));
    }
  }
  return {};
}

Status Tokenizer::State::AddTokens() {
  byte_ids.fill(-1);
  for (size_t id = 0; id < spec.tokens.size(); ++id) {
    if (!bytes[id].empty() || spec.tokens[id].empty()) continue;  // an added token, or an unused id
    bytes[id] = AlphabetToBytes(spec.tokens[id]).value_or(spec.tokens[id]);
    if (!by_bytes.emplace(bytes[id], static_cast<int32_t>(id)).second) {
      return Corrupt(fmt::format("token {} is in the vocabulary twice, as {} and {}", Quoted(spec.tokens[id]),
                                 by_bytes.at(bytes[id]), id));
    }
    if (bytes[id].size() == 1) byte_ids[static_cast<uint8_t>(bytes[id][0])] = static_cast<int32_t>(id);
  }
  return {};
}

Status Tokenizer::State::AddMerges() {
  std::vector<bool> made(spec.tokens.size(), false);
  const auto find = [&](const std::string& token) -> int32_t {
    const auto token_bytes = AlphabetToBytes(token);
    if (!token_bytes) return -1;
    if (const auto it = by_bytes.find(*token_bytes); it != by_bytes.end()) return it->second;
    // A token may be ordinary and, besides, listed as added. A special one is never made by merging.
    const auto it = added_by_content.find(*token_bytes);
    return it == added_by_content.end() || special[static_cast<size_t>(it->second)] ? -1 : it->second;
  };
  for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const auto& [left, right] = spec.merges[rank];
    const int32_t left_id = find(left);
    const int32_t right_id = find(right);
    const int32_t id = find(left + right);
    for (const auto& [part, part_id] : {std::pair{left, left_id}, {right, right_id}, {left + right, id}}) {
      if (part_id >= 0) continue;
      return Corrupt(fmt::format("merge {} ({} + {}) needs the token {}, which is not in the vocabulary", rank,
                                 Quoted(left), Quoted(right), Quoted(part)));
    }
    merges.Insert(left_id, right_id, static_cast<uint32_t>(rank), id);
    made[static_cast<size_t>(id)] = true;
  }
  return CheckEveryTokenIsMade(made);
}

Status Tokenizer::State::CheckEveryTokenIsMade(const std::vector<bool>& made) const {
  if (spec.ignore_merges) return {};
  for (const auto& [token, id] : by_bytes) {
    if (token.size() > 1 && !made[static_cast<size_t>(id)]) {
      return Corrupt(
          fmt::format("no merge makes the token {} (id {}): the merges are incomplete, and text would be "
                      "encoded differently from what the model was trained on",
                      Quoted(spec.tokens[static_cast<size_t>(id)]), id));
    }
  }
  return {};
}

Status Tokenizer::State::CheckControlIds() const {
  const std::pair<const char*, std::optional<int32_t>> ids[] = {
      {"bos", spec.bos}, {"eos", spec.eos}, {"pad", spec.pad}, {"unk", spec.unk}};
  for (const auto& [name, id] : ids) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= spec.tokens.size())) {
      return Corrupt(
          fmt::format("the {} token has the id {}, but the vocabulary has {} tokens", name, *id, spec.tokens.size()));
    }
  }
  return {};
}

void Tokenizer::State::EncodeText(std::string_view text, std::vector<int32_t>* ids) const {
  std::string normalised;
  if (spec.normalise_nfc && !IsAscii(text)) {
    normalised = NormaliseNfc(text);
    text = normalised;
  }
  WordScanner scanner(spec.pre_tokenizer, text);
  for (Word word; scanner.Next(&word);) EncodeWord(text.substr(word.begin, word.end - word.begin), ids);
}

void Tokenizer::State::EncodeWord(std::string_view word, std::vector<int32_t>* ids) const {
  if (word.size() == 1 && byte_ids[static_cast<uint8_t>(word[0])] >= 0) {
    ids->push_back(byte_ids[static_cast<uint8_t>(word[0])]);
    return;
  }
  if (spec.ignore_merges) {
    if (const auto it = by_bytes.find(word); it != by_bytes.end()) {
      ids->push_back(it->second);
      return;
    }
  }
  const bool cacheable = word.size() <= WordCache::kMaxWordBytes;
  if (cacheable && cache.Append(word, ids)) return;
  std::vector<int32_t> merged;
  for (; word.size() > kMaxWordToMerge; word.remove_prefix(kMaxWordToMerge)) {
    merged = MergeWord(word.substr(0, kMaxWordToMerge));
    ids->insert(ids->end(), merged.begin(), merged.end());
  }
  merged = MergeWord(word);
  ids->insert(ids->end(), merged.begin(), merged.end());
  if (cacheable) cache.Remember(word, std::move(merged));
}

std::vector<int32_t> Tokenizer::State::MergeWord(std::string_view word) const {
  std::vector<int32_t> symbols;
  symbols.reserve(word.size());
  for (char c : word) {
    const int32_t id = byte_ids[static_cast<uint8_t>(c)];
    if (id >= 0) {
      symbols.push_back(id);
    } else if (spec.unk) {
      symbols.push_back(*spec.unk);
    }
  }
  ApplyMerges(merges, &symbols);
  return symbols;
}

}  // namespace jade::tokenizer
