#pragma once
// Cuts text into the words that BPE merges within: the pre-tokenizers' regular expressions, written out by hand.
//   GPT-2    's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//   Llama 3  (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
//            \s+(?!\S)|\s+
//   Qwen 2   as Llama 3 with \p{N} for \p{N}{1,3}
//   SmolLM   numeric code points singly, GPT-2 on the pieces between them
// The words cover the text without gaps. A scanner reads a text it does not own; one thread.

#include <cstddef>
#include <string_view>

#include "runtime/tokenizer/spec.h"

namespace jade::tokenizer {

struct Word {
  size_t begin = 0;
  size_t end = 0;
  bool open = false;  // the end of the text was seen while deciding: more text could move this word's end
};

class WordScanner {
 public:
  WordScanner(PreTokenizer kind, std::string_view text) : kind_(kind), text_(text) {}

  // False at the end of the text.
  bool Next(Word* word);

 private:
  Word NextOfPieces();

  PreTokenizer kind_;
  std::string_view text_;
  size_t position_ = 0;
  size_t piece_end_ = 0;  // SmolLM: where the next numeric code point stands
};

}  // namespace jade::tokenizer
