#pragma once
// A set of token ids, one bit each: what a constraint allows next.

#include <cstdint>
#include <vector>

namespace jade::engine {

class TokenMask {
 public:
  TokenMask() = default;
  explicit TokenMask(int64_t size) : size_(size), words_(static_cast<size_t>((size + 63) / 64)) {}

  int64_t size() const { return size_; }
  bool Has(int32_t id) const { return (words_[static_cast<size_t>(id) / 64] >> (id % 64) & 1) != 0; }
  void Add(int32_t id) { words_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64); }
  void Clear() { words_.assign(words_.size(), 0); }
  void operator|=(const TokenMask& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] |= other.words_[i];
  }
  const std::vector<uint64_t>& words() const { return words_; }
  std::vector<uint64_t>& words() { return words_; }

 private:
  int64_t size_ = 0;
  std::vector<uint64_t> words_;
};

}  // namespace jade::engine
