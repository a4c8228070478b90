#include "runtime/tokenizer/special_matcher.h"

#include <utf8proc.h>

#include "runtime/tokenizer/unicode.h"

namespace jade::tokenizer {
namespace {

uint64_t EdgeKey(uint32_t node, char byte) {
  return (static_cast<uint64_t>(node) << 8) | static_cast<uint8_t>(byte);
}

bool IsWordCharacter(uint32_t code_point) {  // \w
  const CharClass char_class = ClassOf(code_point);
  if (char_class == CharClass::kLetter || code_point == '_') return true;
  switch (utf8proc_category(static_cast<int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

size_t PreviousCodePoint(std::string_view text, size_t position) {
  size_t start = position - 1;
  while (start > 0 && position - start < 4 && (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80) --start;
  return start;
}

bool StandsAlone(std::string_view text, size_t begin, size_t end) {
  if (begin > 0 && IsWordCharacter(DecodeCodePoint(text, PreviousCodePoint(text, begin)).value)) return false;
  return end >= text.size() || !IsWordCharacter(DecodeCodePoint(text, end).value);
}

size_t SkipSpaceBack(std::string_view text, size_t position, size_t limit) {
  while (position > limit) {
    const size_t start = PreviousCodePoint(text, position);
    if (start < limit || ClassOf(DecodeCodePoint(text, start).value) != CharClass::kSpace) break;
    position = start;
  }
  return position;
}

size_t SkipSpace(std::string_view text, size_t position) {
  while (position < text.size()) {
    const CodePoint c = DecodeCodePoint(text, position);
    if (ClassOf(c.value) != CharClass::kSpace) break;
    position += c.length;
  }
  return position;
}

}  // namespace

SpecialMatcher::SpecialMatcher(const std::vector<AddedToken>& tokens) : tokens_(tokens), token_at_node_(1, -1) {
  for (size_t i = 0; i < tokens_.size(); ++i) {
    uint32_t node = 0;
    for (char byte : tokens_[i].content) {
      const auto [edge, added] = edges_.try_emplace(EdgeKey(node, byte), static_cast<uint32_t>(token_at_node_.size()));
      if (added) token_at_node_.push_back(-1);
      node = edge->second;
    }
    if (node != 0) token_at_node_[node] = static_cast<int32_t>(i);
  }
}

const AddedToken* SpecialMatcher::LongestAt(std::string_view text, size_t position) const {
  const AddedToken* longest = nullptr;
  uint32_t node = 0;
  for (size_t i = position; i < text.size(); ++i) {
    const auto edge = edges_.find(EdgeKey(node, text[i]));
    if (edge == edges_.end()) break;
    node = edge->second;
    if (token_at_node_[node] >= 0) longest = &tokens_[static_cast<size_t>(token_at_node_[node])];
  }
  return longest;
}

std::optional<SpecialMatcher::Match> SpecialMatcher::Find(std::string_view text, size_t from) const {
  for (size_t i = from; i < text.size(); ++i) {
    const AddedToken* token = LongestAt(text, i);
    if (token == nullptr) continue;
    const size_t end = i + token->content.size();
    if (token->single_word && !StandsAlone(text, i, end)) {
      i = end - 1;
      continue;
    }
    return Match{token->lstrip ? SkipSpaceBack(text, i, from) : i, token->rstrip ? SkipSpace(text, end) : end,
                 token->id};
  }
  return std::nullopt;
}

}  // namespace jade::tokenizer
