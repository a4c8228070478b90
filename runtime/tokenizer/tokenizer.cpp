#include "runtime/tokenizer/tokenizer.h"

#include "runtime/tokenizer/tokenizer_state.h"
#include "runtime/tokenizer/unicode.h"
#include "runtime/tokenizer/word_scanner.h"

namespace jade::tokenizer {
namespace {

// ASCII that begins no canonical composition: normalisation never reaches across a boundary after it.
bool IsInert(char c) {
  const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return static_cast<uint8_t>(c) < 0x80 && !letter && c != '<' && c != '=' && c != '>';
}

// The end of the longest prefix that NFC leaves alone whatever follows it; 0 when the text is not in NFC before that.
size_t StableUnderNfc(std::string_view text) {
  size_t end = text.size();
  while (end > 0 && !IsInert(text[end - 1])) --end;
  return NormaliseNfc(text.substr(0, end)) == text.substr(0, end) ? end : 0;
}

bool EndsInSpace(std::string_view text) {
  size_t last = text.size() - 1;
  while (last > 0 && (static_cast<uint8_t>(text[last]) & 0xC0) == 0x80) --last;
  return ClassOf(DecodeCodePoint(text, last).value) == CharClass::kSpace;
}

// Bytes at the end of `bytes` that begin a code point but do not finish it.
size_t IncompleteTail(std::string_view bytes) {
  for (size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
    const CodePoint c = DecodeCodePoint(bytes, bytes.size() - back);
    if (c.incomplete && c.length == back) return back;
    if (c.valid) return 0;
  }
  return 0;
}

}  // namespace

Result<Tokenizer> Tokenizer::Create(TokenizerSpec spec) {
  auto state = std::make_shared<State>(std::move(spec));
  JADE_TRY(state->Build());
  return Tokenizer(std::move(state));
}

const TokenizerSpec& Tokenizer::spec() const {
  return state_->spec;
}

int32_t Tokenizer::vocab_size() const {
  return static_cast<int32_t>(state_->bytes.size());
}

std::vector<int32_t> Tokenizer::Encode(std::string_view text, EncodeOptions options) const {
  std::vector<int32_t> ids;
  ids.reserve(text.size() / 3 + 1);
  EncodeTo(text, options, &ids);
  return ids;
}

void Tokenizer::EncodeTo(std::string_view text, EncodeOptions options, std::vector<int32_t>* ids) const {
  size_t position = 0;
  while (options.allow_special && position < text.size()) {
    const auto match = state_->matcher.Find(text, position);
    if (!match) break;
    state_->EncodeText(text.substr(position, match->begin - position), ids);
    ids->push_back(match->id);
    position = match->end;
  }
  state_->EncodeText(text.substr(position), ids);
}

void Tokenizer::EncodeKnownTo(std::string_view text, size_t static_bytes, std::vector<int32_t>* ids) const {
  if (static_bytes < PrefixCache::kLeastBytes || static_bytes > PrefixCache::kMostBytes) return EncodeTo(text, {}, ids);
  const bool whole = static_bytes >= text.size();
  const std::string_view known = text.substr(0, static_bytes);
  std::shared_ptr<const PrefixCache::Prefix> prefix = state_->prefixes.Find(known, whole);
  if (prefix == nullptr) {
    auto made = std::make_shared<PrefixCache::Prefix>();
    made->cut = whole ? known.size() : SafeCutPoint(known);
    made->ids = Encode(known.substr(0, made->cut));
    prefix = made;
    state_->prefixes.Remember(known, whole, std::move(made));
  }
  ids->insert(ids->end(), prefix->ids.begin(), prefix->ids.end());
  EncodeTo(text.substr(prefix->cut), {}, ids);
}

std::string Tokenizer::Decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (int32_t id : ids) {
    if (!skip_special || !IsSpecial(id)) bytes += TokenBytes(id);
  }
  return ReplaceInvalidUtf8(bytes);
}

std::string_view Tokenizer::TokenBytes(int32_t id) const {
  if (id < 0 || id >= vocab_size()) return {};
  return state_->bytes[static_cast<size_t>(id)];
}

size_t Tokenizer::SafeCutPoint(std::string_view text) const {
  if (state_->spec.normalise_nfc) text = text.substr(0, StableUnderNfc(text));
  size_t cut = 0;
  bool after_space = false;
  WordScanner scanner(state_->spec.pre_tokenizer, text);
  for (Word word; scanner.Next(&word) && !word.open;) {
    // Two words of white space that what follows keeps apart are one word in a text that ends with them.
    const bool ends_in_space = EndsInSpace(text.substr(0, word.end));
    if (!(ends_in_space && after_space)) cut = word.end;
    after_space = ends_in_space;
  }
  return cut;
}

std::optional<int32_t> Tokenizer::TokenId(std::string_view token) const {
  if (const auto it = state_->added_by_content.find(token); it != state_->added_by_content.end()) return it->second;
  if (const auto it = state_->by_bytes.find(token); it != state_->by_bytes.end()) return it->second;
  return std::nullopt;
}

bool Tokenizer::IsSpecial(int32_t id) const {
  return id >= 0 && id < vocab_size() && state_->special[static_cast<size_t>(id)];
}

std::string StreamDecoder::Push(int32_t id) {
  if (skip_special_ && tokenizer_.IsSpecial(id)) return {};
  pending_ += tokenizer_.TokenBytes(id);
  const size_t ready = pending_.size() - IncompleteTail(pending_);
  std::string text = ReplaceInvalidUtf8(std::string_view(pending_).substr(0, ready));
  pending_.erase(0, ready);
  return text;
}

std::string StreamDecoder::Finish() {
  std::string text = ReplaceInvalidUtf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace jade::tokenizer
