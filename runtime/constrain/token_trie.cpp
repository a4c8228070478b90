#include "runtime/constrain/token_trie.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace jade::constrain {
namespace {

bool IsNameText(TextClass text_class, std::string_view text) {
  if (text_class == TextClass::kBlankName) {
    if (!text.starts_with(' ')) return false;
    text.remove_prefix(1);
  }
  bool begin = text_class != TextClass::kName;
  return !text.empty() && std::all_of(text.begin(), text.end(), [&begin](char c) {
    return IsNameByte(static_cast<uint8_t>(c), std::exchange(begin, false));
  });
}

bool IsPlain(TextClass text_class, const std::string& bytes) {
  if (IsName(text_class)) return IsNameText(text_class, bytes);
  Utf8 state = Utf8::kWhole;
  for (const char c : bytes) {
    const auto byte = static_cast<uint8_t>(c);
    if (!IsPlainByte(text_class, byte) || !StepUtf8(&state, byte)) return false;
  }
  return state == Utf8::kWhole;
}

// `ids` sorted by their bytes.
TokenTrie::Forest Grow(std::vector<int32_t> ids, const std::vector<std::string>& bytes) {
  TokenTrie::Forest forest;
  std::vector<uint32_t> open;  // the path to the newest node
  const auto close = [&](size_t depth) {
    for (; open.size() > depth; open.pop_back()) {
      forest.nodes[open.back()].next = static_cast<uint32_t>(forest.nodes.size());
    }
  };
  std::string_view last;
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string& token = bytes[static_cast<size_t>(ids[i])];
    const auto shared =
        static_cast<size_t>(std::mismatch(last.begin(), last.end(), token.begin(), token.end()).first - last.begin());
    close(shared);
    for (size_t depth = shared; depth < token.size(); ++depth) {
      open.push_back(static_cast<uint32_t>(forest.nodes.size()));
      forest.nodes.push_back({.tokens = static_cast<uint32_t>(i),
                              .tokens_end = static_cast<uint32_t>(i),
                              .depth = static_cast<uint16_t>(depth + 1),
                              .byte = static_cast<uint8_t>(token[depth])});
    }
    forest.nodes[open.back()].tokens_end = static_cast<uint32_t>(i + 1);
    last = token;
  }
  close(0);
  forest.ids = std::move(ids);
  uint32_t at = 0;
  for (size_t byte = 0; byte < 256; ++byte) {
    forest.starts[byte] = at;
    if (at < forest.nodes.size() && forest.nodes[at].byte == byte) at = forest.nodes[at].next;
  }
  forest.starts[256] = at;
  return forest;
}

}  // namespace

bool IsPlainByte(TextClass text_class, uint8_t byte) {
  if (!IsTextByte(byte) || byte == '<') return false;
  if (text_class == TextClass::kTagged) return true;
  return byte >= 0x20 && byte != '"' && byte != '\\' && byte != '{' && byte != '}';
}

TokenTrie::TokenTrie(std::shared_ptr<const engine::Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {
  const std::vector<std::string>& bytes = vocabulary_->bytes;
  for (auto& by_room : names_) by_room.fill(engine::TokenMask(size()));
  std::vector<int32_t> ids;
  for (size_t id = 0; id < bytes.size(); ++id) {
    const bool usable = !bytes[id].empty() && bytes[id].size() <= kMaxTokenBytes && !IsEnd(static_cast<int32_t>(id));
    if (!usable) continue;
    ids.push_back(static_cast<int32_t>(id));
    if (bytes[id].size() == 1) has_byte_[static_cast<uint8_t>(bytes[id][0])] = true;
  }
  std::sort(ids.begin(), ids.end(), [&](int32_t a, int32_t b) {
    const int order = bytes[static_cast<size_t>(a)].compare(bytes[static_cast<size_t>(b)]);
    return order != 0 ? order < 0 : a < b;
  });
  for (size_t index = 0; index < kTextClasses; ++index) {
    const auto text_class = static_cast<TextClass>(index + 1);
    Text& text = text_[index];
    text.plain = engine::TokenMask(size());
    std::vector<int32_t> others;
    for (const int32_t id : ids) {
      const std::string& token = bytes[static_cast<size_t>(id)];
      if (!IsPlain(text_class, token)) {
        others.push_back(id);
        continue;
      }
      text.plain.Add(id);
      if (!IsName(text_class)) continue;
      const size_t name = token.size() - (text_class == TextClass::kBlankName ? 1 : 0);
      for (size_t room = name; room <= kMaxNameBytes; ++room) {
        names_[index + 1 - static_cast<size_t>(TextClass::kName)][room].Add(id);
      }
    }
    text.others = Grow(std::move(others), bytes);
  }
  all_ = Grow(std::move(ids), bytes);
  can_end_[0] = true;
  for (uint32_t round = 0; round < 3; ++round) {  // each round ends code points one byte longer
    for (uint8_t state = 1; state < kUtf8States; ++state) {
      for (uint32_t byte = 0x80; byte < 0xC0; ++byte) {
        auto next = static_cast<Utf8>(state);
        if (!has_byte_[byte] || !StepUtf8(&next, static_cast<uint8_t>(byte))) continue;
        if (can_end_[static_cast<size_t>(next)]) can_end_[state] = true;
      }
    }
  }
}

bool TokenTrie::IsEnd(int32_t id) const {
  return std::find(vocabulary_->end_ids.begin(), vocabulary_->end_ids.end(), id) != vocabulary_->end_ids.end();
}

}  // namespace jade::constrain
