#pragma once
// UTF-8, byte by byte: which bytes may continue a code point (RFC 3629; no surrogates, nothing above U+10FFFF). Pure;
// any thread.

#include <cstdint>

namespace jade::constrain {

// Where in a code point one is. Zero: between two.
enum class Utf8 : uint8_t { kWhole, kOneMore, kTwoMore, kThreeMore, kAfterE0, kAfterED, kAfterF0, kAfterF4 };
inline constexpr uint8_t kUtf8States = 8;

// False when `byte` may not come next; then `state` is unchanged.
inline bool StepUtf8(Utf8* state, uint8_t byte) {
  const auto continues = [byte](uint8_t low, uint8_t high) { return byte >= low && byte <= high; };
  Utf8 next = Utf8::kWhole;
  bool fits = false;
  switch (*state) {
    case Utf8::kWhole:
      fits = byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4);
      if (byte >= 0xC2) next = Utf8::kOneMore;
      if (byte >= 0xE0) next = Utf8::kTwoMore;
      if (byte >= 0xF0) next = Utf8::kThreeMore;
      if (byte == 0xE0) next = Utf8::kAfterE0;
      if (byte == 0xED) next = Utf8::kAfterED;
      if (byte == 0xF0) next = Utf8::kAfterF0;
      if (byte == 0xF4) next = Utf8::kAfterF4;
      break;
    case Utf8::kOneMore:
      fits = continues(0x80, 0xBF);
      break;
    case Utf8::kTwoMore:
      fits = continues(0x80, 0xBF);
      next = Utf8::kOneMore;
      break;
    case Utf8::kThreeMore:
      fits = continues(0x80, 0xBF);
      next = Utf8::kTwoMore;
      break;
    case Utf8::kAfterE0:
      fits = continues(0xA0, 0xBF);
      next = Utf8::kOneMore;
      break;
    case Utf8::kAfterED:
      fits = continues(0x80, 0x9F);
      next = Utf8::kOneMore;
      break;
    case Utf8::kAfterF0:
      fits = continues(0x90, 0xBF);
      next = Utf8::kTwoMore;
      break;
    case Utf8::kAfterF4:
      fits = continues(0x80, 0x8F);
      next = Utf8::kTwoMore;
      break;
  }
  if (fits) *state = next;
  return fits;
}

// Bytes until the code point is whole.
inline uint32_t BytesMissing(Utf8 state) {
  switch (state) {
    case Utf8::kWhole:
      return 0;
    case Utf8::kOneMore:
      return 1;
    case Utf8::kTwoMore:
    case Utf8::kAfterE0:
    case Utf8::kAfterED:
      return 2;
    case Utf8::kThreeMore:
    case Utf8::kAfterF0:
    case Utf8::kAfterF4:
      return 3;
  }
  return 0;
}

// Free text holds no control characters but tab and line ends.
inline bool IsTextByte(uint8_t byte) {
  return (byte >= 0x20 && byte != 0x7F) || byte == '\t' || byte == '\n' || byte == '\r';
}

}  // namespace jade::constrain
