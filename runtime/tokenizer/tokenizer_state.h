#pragma once
// What a Tokenizer points to: a checked TokenizerSpec and the tables made from it. Immutable but for the locked cache.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/tokenizer/bpe.h"
#include "runtime/tokenizer/prefix_cache.h"
#include "runtime/tokenizer/special_matcher.h"
#include "runtime/tokenizer/tokenizer.h"
#include "runtime/tokenizer/word_cache.h"

namespace jade::tokenizer {

inline constexpr size_t kMaxVocabSize = size_t{1} << 22;  // the largest real vocabularies have some 260,000 tokens

struct Tokenizer::State {
  explicit State(TokenizerSpec checked_later)
      : spec(std::move(checked_later)), merges(spec.merges.size()), matcher(spec.added) {}

  // Fills the tables; the first thing that is wrong with the spec ends it.
  Status Build();

  void EncodeText(std::string_view text, std::vector<int32_t>* ids) const;

  TokenizerSpec spec;
  std::vector<std::string> bytes;                          // of each token
  std::vector<bool> special;                               // of each token
  std::unordered_map<std::string_view, int32_t> by_bytes;  // ordinary tokens; keys point into `bytes`
  std::unordered_map<std::string_view, int32_t> added_by_content;
  std::array<int32_t, 256> byte_ids{};  // -1 for a byte without a token
  MergeTable merges;
  SpecialMatcher matcher;
  mutable WordCache cache;
  mutable PrefixCache prefixes;

 private:
  Status AddAddedTokens();
  Status AddTokens();
  Status AddMerges();
  Status CheckEveryTokenIsMade(const std::vector<bool>& made) const;
  Status CheckControlIds() const;
  void EncodeWord(std::string_view word, std::vector<int32_t>* ids) const;
  std::vector<int32_t> MergeWord(std::string_view word) const;
};

}  // namespace jade::tokenizer
