#pragma once
// GPT-2's printable alphabet: each of the 256 bytes as one code point, so that vocabularies can be written as text.
// Printable Latin-1 bytes stand for themselves, the others for U+0100 and on.

#include <optional>
#include <string>
#include <string_view>

namespace jade::tokenizer {

std::string BytesToAlphabet(std::string_view bytes);
// Empty when a code point is not of the alphabet or the text is not UTF-8.
std::optional<std::string> AlphabetToBytes(std::string_view text);
// The bytes in the order of their code points in the alphabet ('!' first): the order in which vocabularies list them.
std::string_view BytesInAlphabetOrder();

}  // namespace jade::tokenizer
