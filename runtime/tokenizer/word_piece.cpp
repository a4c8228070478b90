#include "runtime/tokenizer/word_piece.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "runtime/tokenizer/unicode.h"

namespace jade::tokenizer {

struct WordPiece::State {
  using Ids = std::unordered_map<std::string_view, int32_t>;  // keys are views into spec.tokens
  WordPieceSpec spec;
  Ids beginnings;
  Ids continuations;   // without the prefix
  size_t longest = 0;  // bytes of the longest key
  int32_t unknown = 0, first = 0, last = 0;
};

namespace {

// The blocks that BERT's tokenizer calls Chinese characters.
bool IsIdeograph(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool IsAsciiPunctuation(uint32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

bool IsSeparatePunctuation(uint32_t c) {
  return c < 128 ? IsAsciiPunctuation(c) : IsPunctuation(c);
}

// Some of what goes is white space by its properties: a form feed joins the words around it.
bool IsDropped(uint32_t c) {
  constexpr uint32_t kReplacement = 0xFFFD;
  if (c == '\t' || c == '\n' || c == '\r') return false;
  return c == kReplacement || (c < 128 ? c < ' ' || c == 0x7F : IsUnprintable(c));
}

bool IsSpace(uint32_t c) {
  return ClassOf(c) == CharClass::kSpace;
}

}  // namespace

namespace internal {

// Reads text once, from its start, and stops when there are ids enough.
class WordPieceReader {
 public:
  using Ids = std::unordered_map<std::string_view, int32_t>;
  struct Vocabulary {
    const WordPieceSpec& spec;
    const Ids& beginnings;
    const Ids& continuations;
    size_t longest;
    int32_t unknown;
  };
  WordPieceReader(const Vocabulary& vocabulary, size_t limit, std::vector<int32_t>* ids)
      : vocabulary_(vocabulary), limit_(limit), ids_(ids) {}

  void Read(std::string_view text) {
    for (size_t i = 0; i < text.size() && ids_->size() < limit_;) {
      const CodePoint c = DecodeCodePoint(text, i);
      i += c.length;
      Take(c.value);
    }
    EndWord();
    if (ids_->size() > limit_) ids_->resize(limit_);
  }

 private:
  void Take(uint32_t c) {
    const WordPieceSpec& spec = vocabulary_.spec;
    if (spec.clean_text && IsDropped(c)) return;
    if (IsSpace(c)) return EndWord();
    if (c < 128) {
      return Put(spec.lowercase && c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c, /*alone=*/false);
    }
    const bool alone = spec.split_ideographs && IsIdeograph(c);
    decomposed_.clear();
    if (spec.strip_accents) {
      AppendDecomposed(c, &decomposed_);
      std::erase_if(decomposed_, IsNonspacingMark);
    } else {
      decomposed_.push_back(c);
    }
    lowered_.clear();
    for (const uint32_t part : decomposed_) {
      if (spec.lowercase) {
        AppendLowercase(part, &lowered_);
      } else {
        lowered_.push_back(part);
      }
    }
    for (const uint32_t part : lowered_) Put(part, alone);
  }

  void Put(uint32_t c, bool alone) {
    if (IsSpace(c)) return EndWord();
    const bool separate = alone || IsSeparatePunctuation(c);
    if (separate) EndWord();
    AppendUtf8(c, &word_);
    ++characters_;
    if (separate) EndWord();
  }

  void EndWord() {
    if (word_.empty()) return;
    const size_t before = ids_->size();
    if (characters_ > vocabulary_.spec.max_word_characters || !Split()) {
      ids_->resize(before);
      ids_->push_back(vocabulary_.unknown);
    }
    word_.clear();
    characters_ = 0;
  }

  // The longest token that fits, then the longest that goes on, and so on; false when none fits somewhere.
  bool Split() {
    const std::string_view word = word_;
    for (size_t start = 0; start < word.size();) {
      const Ids& tokens = start == 0 ? vocabulary_.beginnings : vocabulary_.continuations;
      size_t length = std::min(word.size() - start, vocabulary_.longest);
      for (; length > 0; --length) {
        const auto found = tokens.find(word.substr(start, length));
        if (found == tokens.end()) continue;
        ids_->push_back(found->second);
        break;
      }
      if (length == 0) return false;
      start += length;
    }
    return true;
  }

  Vocabulary vocabulary_;
  size_t limit_;
  std::vector<int32_t>* ids_;
  std::string word_;
  int characters_ = 0;
  std::vector<uint32_t> decomposed_, lowered_;
};

}  // namespace internal

Result<WordPiece> WordPiece::Create(WordPieceSpec spec) {
  auto state = std::make_shared<State>();
  state->spec = std::move(spec);
  State::Ids all;
  for (size_t id = 0; id < state->spec.tokens.size(); ++id) {
    const std::string_view token = state->spec.tokens[id];
    if (token.empty()) continue;
    if (!all.emplace(token, static_cast<int32_t>(id)).second) {
      return Error(ErrorCode::kCorrupt, fmt::format("the token `{}` stands in the vocabulary twice", token));
    }
    const size_t prefix = state->spec.continuation.size();
    const bool goes_on = prefix > 0 && token.size() > prefix && token.starts_with(state->spec.continuation);
    const std::string_view text = goes_on ? token.substr(prefix) : token;
    (goes_on ? state->continuations : state->beginnings).emplace(text, static_cast<int32_t>(id));
    state->longest = std::max(state->longest, text.size());
  }
  const std::pair<const std::string&, int32_t*> special[] = {
      {state->spec.unknown, &state->unknown}, {state->spec.first, &state->first}, {state->spec.last, &state->last}};
  for (const auto& [token, id] : special) {
    const auto found = all.find(token);
    if (found == all.end()) {
      return Error(ErrorCode::kCorrupt, fmt::format("the vocabulary lacks the token `{}`", token));
    }
    *id = found->second;
  }
  return WordPiece(std::move(state));
}

std::vector<int32_t> WordPiece::Encode(std::string_view text, size_t max_tokens) const {
  JADE_CHECK(max_tokens >= 2, "{} tokens have no room for the first and the last", max_tokens);
  std::vector<int32_t> ids{state_->first};
  internal::WordPieceReader reader(
      {state_->spec, state_->beginnings, state_->continuations, state_->longest, state_->unknown}, max_tokens - 1,
      &ids);
  reader.Read(text);
  ids.push_back(state_->last);
  return ids;
}

int32_t WordPiece::vocab_size() const {
  return static_cast<int32_t>(state_->spec.tokens.size());
}

const WordPieceSpec& WordPiece::spec() const {
  return state_->spec;
}

}  // namespace jade::tokenizer
