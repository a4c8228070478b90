#pragma once
// WordPiece with BERT's rules: text to token ids, with the ids that Hugging Face `tokenizers` gives for BERT, MiniLM,
// E5 and BGE. Text is only text: "[SEP]" in it becomes the tokens of its characters. A WordPiece is a handle to
// immutable state: copying is cheap, any thread may call any copy.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"

namespace jade::tokenizer {

struct WordPieceSpec {
  std::vector<std::string> tokens;  // by id; an empty text is an id without a token
  std::string continuation = "##";  // begins every token that goes on a word
  std::string unknown = "[UNK]";
  std::string first = "[CLS]";
  std::string last = "[SEP]";
  int max_word_characters = 100;  // longer words are unknown
  bool clean_text = true;         // control characters go, white space becomes spaces
  bool split_ideographs = true;   // each CJK ideograph is a word
  bool strip_accents = true;
  bool lowercase = true;
};

class WordPiece {
 public:
  // kCorrupt when one of the three special tokens is not in the vocabulary, or a token stands in it twice.
  static Result<WordPiece> Create(WordPieceSpec spec);

  // From a Hugging Face folder: tokenizer.json, or vocab.txt with tokenizer_config.json beside it. kUnsupported names
  // what the file asks for that is not BERT's.
  static Result<WordPiece> LoadFolder(const std::string& folder);
  static Result<WordPieceSpec> SpecFromTokenizerJson(std::string_view json);
  static Result<WordPieceSpec> SpecFromVocabulary(std::string_view vocabulary, std::string_view config_json);

  // [CLS] … [SEP], at most `max_tokens` of them (2 or more): what does not fit is not read. Never fails: bytes that are
  // not UTF-8 are left out, as U+FFFD is.
  std::vector<int32_t> Encode(std::string_view text, size_t max_tokens) const;

  int32_t vocab_size() const;
  const WordPieceSpec& spec() const;

 private:
  struct State;
  explicit WordPiece(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::shared_ptr<const State> state_;
};

}  // namespace jade::tokenizer
