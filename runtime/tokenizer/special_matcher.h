#pragma once
// Finds added tokens in text: leftmost, then longest, as Hugging Face's splitter does. Immutable; any thread.

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/tokenizer/spec.h"

namespace jade::tokenizer {

class SpecialMatcher {
 public:
  explicit SpecialMatcher(const std::vector<AddedToken>& tokens);

  struct Match {
    size_t begin = 0;
    size_t end = 0;  // with the white space that the token swallows
    int32_t id = 0;
  };
  // The first match that begins at or after `from`; it swallows nothing before `from`.
  std::optional<Match> Find(std::string_view text, size_t from) const;

 private:
  const AddedToken* LongestAt(std::string_view text, size_t position) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<uint64_t, uint32_t> edges_;  // (node, byte) → node of a trie over the contents; 0 is the root
  std::vector<int32_t> token_at_node_;            // index into tokens_, or -1
};

}  // namespace jade::tokenizer
