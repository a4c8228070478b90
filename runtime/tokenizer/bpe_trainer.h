#pragma once
// Learns a byte-level BPE vocabulary from text (Sennrich et al. 2016, https://arxiv.org/abs/1508.07909): the most
// frequent adjacent pair is merged, ties by the smaller ids, until the vocabulary is full. The result depends only on
// the multiset of texts. One trainer, one thread.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/tokenizer/spec.h"
#include "runtime/tokenizer/special_matcher.h"

namespace jade::tokenizer {

struct BpeTrainerOptions {
  int32_t vocab_size = 4096;  // including the special tokens and the 256 bytes
  PreTokenizer pre_tokenizer = PreTokenizer::kSmolLm;
  bool normalise_nfc = false;
  std::vector<std::string> special_tokens;  // get the ids 0, 1, 2, … in this order
  uint64_t min_frequency = 2;               // rarer pairs are not merged: the vocabulary may stay smaller
  size_t max_token_bytes = 32;              // longer tokens are not made
};

class BpeTrainer {
 public:
  explicit BpeTrainer(BpeTrainerOptions options);

  // Counts the words of `text`, `times` times. Special tokens in the text are not counted as text; they cut it.
  void Add(std::string_view text, uint64_t times = 1);

  // kInvalidArgument for a vocabulary too small for bytes and special tokens, or for repeated or empty special tokens.
  // `bos`, `eos`, `pad` of the spec are left to the caller. Time O(words + merges · occurrences).
  Result<TokenizerSpec> Train() const;

  uint64_t word_count() const { return words_seen_; }

 private:
  static std::vector<AddedToken> ToAdded(const BpeTrainerOptions& options);
  void AddPlain(std::string_view text, uint64_t times);

  BpeTrainerOptions options_;
  SpecialMatcher specials_;
  std::unordered_map<std::string, uint64_t> word_counts_;
  uint64_t words_seen_ = 0;
};

}  // namespace jade::tokenizer
