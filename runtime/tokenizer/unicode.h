#pragma once
// Code points of UTF-8 text, the three classes that the pre-tokenizers' expressions ask for, and what BERT's tokenizer
// asks besides. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

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
bool IsPunctuation(uint32_t code_point);     // \p{P}
bool IsNonspacingMark(uint32_t code_point);  // \p{Mn}
bool IsUnprintable(uint32_t code_point);     // \p{Cc}, \p{Cf}, \p{Co}: control, format, private use

// The lower-case form without regard to what stands around: one code point, two for U+0130.
void AppendLowercase(uint32_t code_point, std::vector<uint32_t>* out);
// The full canonical decomposition of one code point.
void AppendDecomposed(uint32_t code_point, std::vector<uint32_t>* out);

// Ill-formed sequences become U+FFFD, one for each maximal subpart (as Unicode recommends and Rust does).
std::string ReplaceInvalidUtf8(std::string_view bytes);

// Canonical composition; ill-formed bytes are kept. O(n log n) whatever the text: long runs of combining marks are
// sorted, not bubbled.
std::string NormaliseNfc(std::string_view text);

}  // namespace jade::tokenizer
