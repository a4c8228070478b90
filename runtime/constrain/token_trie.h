#pragma once
// The tokens of a vocabulary by their bytes: what a mask is computed from. Built once for each vocabulary, immutable,
// any thread.
//
// Most tokens are plain text, allowed wherever any text is. Those are kept as ready masks, one for each class of free
// text, and a second, small trie of the others, so that inside free text only few tokens are looked at.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/constrain/utf8.h"
#include "runtime/engine/constraint.h"

namespace jade::constrain {

// Longer tokens are never allowed: what one token can add is bounded.
inline constexpr size_t kMaxTokenBytes = 256;

// Where free text stands: between tags, in a quoted literal of a plan, in a name that a plan binds (in its middle, at
// its beginning, or with the blank before it still to come).
enum class TextClass : uint8_t { kNone, kTagged, kQuoted, kName, kNewName, kBlankName };
inline constexpr size_t kTextClasses = 5;
inline bool IsName(TextClass text_class) {
  return text_class >= TextClass::kName;
}
inline constexpr size_t kMaxNameBytes = 15;

// Whether a byte of text stands for nothing but itself; from 0x80 on, as far as it is UTF-8. Not for names.
bool IsPlainByte(TextClass text_class, uint8_t byte);
// Names begin with a small letter and go on with those, digits and `_`.
inline bool IsNameByte(uint8_t byte, bool begin) {
  return (byte >= 'a' && byte <= 'z') || (!begin && ((byte >= '0' && byte <= '9') || byte == '_'));
}

class TokenTrie {
 public:
  // Depth first, children in order of their bytes: the nodes under one are those up to `next`.
  struct Node {
    uint32_t next = 0;    // past its subtree
    uint32_t tokens = 0;  // of itself: [tokens, tokens_end) of ids()
    uint32_t tokens_end = 0;
    uint16_t depth = 0;  // 1 under the root
    uint8_t byte = 0;
  };
  struct Forest {
    std::vector<Node> nodes;
    std::vector<int32_t> ids;  // by their bytes: those of a subtree are neighbours
    // [first, last) nodes under the root that begin with a byte; empty ones are equal.
    std::array<uint32_t, 257> starts{};
  };
  // Free text of one class.
  struct Text {
    engine::TokenMask plain;  // tokens of plain bytes and whole code points
    Forest others;            // the rest
  };

  explicit TokenTrie(std::shared_ptr<const engine::Vocabulary> vocabulary);

  const engine::Vocabulary& vocabulary() const { return *vocabulary_; }
  int64_t size() const { return static_cast<int64_t>(vocabulary_->bytes.size()); }
  const Forest& all() const { return all_; }
  const Text& text(TextClass text_class) const { return text_[static_cast<size_t>(text_class) - 1]; }
  // The plain tokens of a class of names that have at most `room` bytes of the name.
  const engine::TokenMask& names(TextClass text_class, size_t room) const {
    return names_[static_cast<size_t>(text_class) - static_cast<size_t>(TextClass::kName)][room];
  }
  // A token of this one byte.
  bool HasByte(uint8_t byte) const { return has_byte_[byte]; }
  // Whether code points broken off there can be ended by tokens of one byte.
  bool CanEnd(Utf8 state) const { return can_end_[static_cast<size_t>(state)]; }
  bool IsEnd(int32_t id) const;

 private:
  std::shared_ptr<const engine::Vocabulary> vocabulary_;
  Forest all_;
  std::array<Text, kTextClasses> text_;
  std::array<std::array<engine::TokenMask, kMaxNameBytes + 1>, 3> names_;
  std::array<bool, 256> has_byte_{};
  std::array<bool, kUtf8States> can_end_{};
};

}  // namespace jade::constrain
