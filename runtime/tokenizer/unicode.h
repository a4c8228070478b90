#pragma once
// Code points of UTF-8 text and the three classes that the pre-tokenizers' expressions ask for. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>

namespace jade::tokenizer {

enum class CharClass : uint8_t {
  kLetter,  // \p{L}
  kNumber,  // \p{N}
  kSpace,   // \s: the White_Space property
  kOther,   // everything else, and bytes that are not UTF-8
};

struct CodePoint {
  uint32_t value = 0xFFFD;  // U+FFFD for an ill-formed sequence
  uint8_t length = 1;       // bytes; for an ill-formed sequence its maximal subpart, which one U+FFFD replaces
  bool valid = false;
  bool incomplete = false;  // ill-formed only because the text ends here
};

// The code point at `position`, which must be inside the text.
CodePoint DecodeCodePoint(std::string_view text, size_t position);
void AppendUtf8(uint32_t code_point, std::string* out);

CharClass ClassOf(uint32_t code_point);

// Ill-formed sequences become U+FFFD, one for each maximal subpart (as Unicode recommends and Rust does).
std::string ReplaceInvalidUtf8(std::string_view bytes);

// Canonical composition; ill-formed bytes are kept. O(n log n) whatever the text: long runs of combining marks are
// sorted, not bubbled.
std::string NormaliseNfc(std::string_view text);

}  // namespace jade::tokenizer
