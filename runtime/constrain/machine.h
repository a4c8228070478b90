#pragma once
// A machine reads a reply byte by byte and says what may come next. Each kind is a class of its own with these members;
// Bound<Machine> (bound.h) turns any of them into token masks. Machines are immutable: any thread.
//
//   struct State;                                 // plain bytes without padding, equal exactly when memcmp says so
//   State Start() const;
//   bool Next(State* state, uint8_t byte) const;  // false: `byte` may not come; the state is then unspecified
//   uint32_t Distance(const State&) const;        // bytes to the nearest complete text; 0: it is complete
//   Utf8 Pending(const State&) const;             // inside which code point
//   FreeText Free(const State&) const;
//   const std::string& Required() const;          // bytes that a vocabulary must have as tokens of their own
//   size_t MaxBytes() const;                      // a longer text is brought to its end
//
// From every state that Next reaches, some byte leads to one whose Distance is smaller by one, unless it is 0 already.

#include <bitset>
#include <cstdint>

#include "runtime/constrain/token_trie.h"

namespace jade::constrain {

// What a state says of text in which nearly everything is allowed: tokens of plain bytes (token_trie.h) may come, and
// lead to states at `distance`, but for those whose first byte is hot, which are read one by one.
struct FreeText {
  TextClass text_class = TextClass::kNone;
  uint32_t distance = 0;  // of names: at most
  std::bitset<128> hot;
  size_t room = 0;  // names: bytes that still fit
};

}  // namespace jade::constrain
