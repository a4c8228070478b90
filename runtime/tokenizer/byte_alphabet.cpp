#include "runtime/tokenizer/byte_alphabet.h"

#include <array>
#include <cstdint>

#include "runtime/tokenizer/unicode.h"

namespace jade::tokenizer {
namespace {

constexpr uint32_t kAlphabetEnd = 256 + 68;  // 188 bytes stand for themselves, 68 are moved

constexpr bool StandsForItself(uint32_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr std::array<uint16_t, 256> kCodePoints = [] {
  std::array<uint16_t, 256> table{};
  uint16_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    table[byte] = StandsForItself(byte) ? static_cast<uint16_t>(byte) : next++;
  }
  return table;
}();

constexpr std::array<int16_t, kAlphabetEnd> kBytes = [] {
  std::array<int16_t, kAlphabetEnd> table{};
  for (auto& entry : table) entry = -1;
  for (int16_t byte = 0; byte < 256; ++byte) table[kCodePoints[byte]] = byte;
  return table;
}();

constexpr std::array<char, 256> kOrderedBytes = [] {
  std::array<char, 256> bytes{};
  size_t count = 0;
  for (int16_t byte : kBytes) {
    if (byte >= 0) bytes[count++] = static_cast<char>(byte);
  }
  return bytes;
}();

}  // namespace

std::string BytesToAlphabet(std::string_view bytes) {
  std::string text;
  for (char c : bytes) AppendUtf8(kCodePoints[static_cast<uint8_t>(c)], &text);
  return text;
}

std::optional<std::string> AlphabetToBytes(std::string_view text) {
  std::string bytes;
  for (size_t i = 0; i < text.size();) {
    const CodePoint c = DecodeCodePoint(text, i);
    if (!c.valid || c.value >= kAlphabetEnd || kBytes[c.value] < 0) return std::nullopt;
    bytes.push_back(static_cast<char>(kBytes[c.value]));
    i += c.length;
  }
  return bytes;
}

std::string_view BytesInAlphabetOrder() {
  return {kOrderedBytes.data(), kOrderedBytes.size()};
}

}  // namespace jade::tokenizer
