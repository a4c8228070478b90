#pragma once
// Byte-level BPE: text to token ids and back, with the ids of Hugging Face `tokenizers` for the GPT-2, SmolLM2, Llama 3
// and Qwen 2/2.5/3 families. A Tokenizer is a handle to immutable state with a bounded, locked cache of words: copying
// is cheap, any thread may call any copy.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/tokenizer/spec.h"

namespace jade::tokenizer {

struct EncodeOptions {
  // Off: the text is only text; "<|im_end|>" in it becomes the tokens of its characters. Everything interpolated into a
  // prompt is encoded so. On: added tokens are recognised, as Hugging Face's `encode` does.
  bool allow_special = false;
};

class Tokenizer {
 public:
  // Checks the spec: ids in range, both parts and the result of every merge in the vocabulary, every longer token made
  // by a merge. Errors are kCorrupt and name the token or merge.
  static Result<Tokenizer> Create(TokenizerSpec spec);

  // Reads tokenizer.json (and, beside it, tokenizer_config.json for bos, eos and the chat template, when present).
  static Result<Tokenizer> LoadTokenizerJson(const std::string& path);
  // The same from text already in memory; `name` is used in messages. `config_json` may be empty.
  static Result<Tokenizer> FromJson(std::string_view json, std::string_view config_json, const std::string& name);

  // O(n log n) in the length of the longest word, linear otherwise. Never fails: bytes that are not UTF-8 are encoded
  // as bytes. No bos is added; see `adds_bos`.
  std::vector<int32_t> Encode(std::string_view text, EncodeOptions options = {}) const;
  void EncodeTo(std::string_view text, EncodeOptions options, std::vector<int32_t>* ids) const;  // appends

  // Appends Encode(text), and keeps the ids of the first `static_bytes` of it, as far as what follows cannot change
  // them: texts that begin alike are then read once.
  void EncodeKnownTo(std::string_view text, size_t static_bytes, std::vector<int32_t>* ids) const;

  // Token bytes joined, byte sequences that are not UTF-8 replaced by U+FFFD. Ids out of range are ignored.
  std::string Decode(std::span<const int32_t> ids, bool skip_special = true) const;
  // The bytes of one token (a piece of a code point is possible); empty for an id out of range.
  std::string_view TokenBytes(int32_t id) const;

  // The largest cut c <= text.size() such that for every continuation t,
  //   Encode(text + t) == Encode(text[0, c)) + Encode(text[c, …) + t)        (allow_special off).
  // Zero when no boundary is safe.
  size_t SafeCutPoint(std::string_view text) const;

  int32_t vocab_size() const;                                    // one more than the largest id
  std::optional<int32_t> TokenId(std::string_view token) const;  // an added token, or a token by its bytes
  bool IsSpecial(int32_t id) const;                              // an added token marked special
  std::optional<int32_t> bos() const { return spec().bos; }
  std::optional<int32_t> eos() const { return spec().eos; }
  std::optional<int32_t> pad() const { return spec().pad; }
  bool adds_bos() const { return spec().adds_bos; }
  const TokenizerSpec& spec() const;

 private:
  struct State;
  explicit Tokenizer(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

// Tokens to text while they arrive: never emits half a code point. One stream, one thread.
class StreamDecoder {
 public:
  explicit StreamDecoder(Tokenizer tokenizer, bool skip_special = true)
      : tokenizer_(std::move(tokenizer)), skip_special_(skip_special) {}

  // The text that became certain with this token; the concatenation over all calls and Finish() equals Decode.
  std::string Push(int32_t id);
  std::string Finish();  // what is left, incomplete sequences as U+FFFD; the decoder is then as new

 private:
  Tokenizer tokenizer_;
  bool skip_special_;
  std::string pending_;
};

// Writes tokenizer.json and tokenizer_config.json into `folder` such that Hugging Face `tokenizers` encodes alike.
// Each file is replaced atomically.
Status WriteTokenizerFiles(const TokenizerSpec& spec, const std::string& folder);
std::string TokenizerJson(const TokenizerSpec& spec);
std::string TokenizerConfigJson(const TokenizerSpec& spec);

}  // namespace jade::tokenizer
