#pragma once
// What a byte-level BPE tokenizer is, independent of the file it came from. The readers (tokenizer.json here, GGUF in
// runtime/weights) and the trainer make a TokenizerSpec; Tokenizer::Create checks it and makes it usable.
// Plain values: any thread may hold its own.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jade::tokenizer {

// How text is cut into words before merging. The names are those of GGUF's `tokenizer.ggml.pre`, of the same meaning.
enum class PreTokenizer {
  kGpt2,    // GPT-2's expression
  kSmolLm,  // every numeric code point by itself, then GPT-2's expression on what is between
  kLlama3,  // Llama 3's expression: numbers in threes, line breaks kept with the spaces before them
  kQwen2,   // as Llama 3, every numeric code point by itself
};

// A token matched in the text before the pre-tokenizer sees it (only when EncodeOptions::allow_special).
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = true;       // skipped by Decode(…, skip_special)
  bool lstrip = false;       // swallows white space before it
  bool rstrip = false;       // swallows white space after it
  bool single_word = false;  // matches only between non-word characters
};

struct TokenizerSpec {
  PreTokenizer pre_tokenizer = PreTokenizer::kGpt2;
  bool normalise_nfc = false;
  bool ignore_merges = false;  // a word that is a token is that token, whatever the merges say (Llama 3)
  bool adds_bos = false;       // the model expects `bos` before every text

  // tokens[id] in GPT-2's printable alphabet, as tokenizer.json and GGUF write them; added tokens in plain UTF-8.
  // An id that nothing uses is the empty string.
  std::vector<std::string> tokens;
  std::vector<std::pair<std::string, std::string>> merges;  // best first, in the same alphabet
  std::vector<AddedToken> added;

  std::optional<int32_t> bos;
  std::optional<int32_t> eos;
  std::optional<int32_t> pad;
  std::optional<int32_t> unk;  // stands for a byte that has no token; without it such a byte is dropped
  std::string chat_template;   // Jinja text when the file has one; only read to choose a ChatForm
};

}  // namespace jade::tokenizer
