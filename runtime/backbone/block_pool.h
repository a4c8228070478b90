#pragma once
// Which blocks of keys and values are in use, and by how many: the prefix tree and each sequence that attends to a
// block hold one reference. Only numbers; the storage is the executor's. Used by one thread, the engine's.

#include <cstdint>
#include <vector>

#include "runtime/backbone/executor.h"

namespace jade::backbone {

inline constexpr BlockId kNoBlock = -1;

// Blocks that hold `tokens` tokens.
inline int64_t BlocksFor(int64_t tokens) {
  return (tokens + kKvBlockTokens - 1) / kKvBlockTokens;
}
// The tokens of the whole blocks among `tokens` tokens.
inline int64_t WholeBlocks(int64_t tokens) {
  return tokens / kKvBlockTokens * kKvBlockTokens;
}

// Everything is O(1). Blocks given back last are taken first: their memory is warm, and what was never needed is never
// touched.
class BlockPool {
 public:
  explicit BlockPool(int64_t count) : references_(static_cast<size_t>(count)) {}

  // A block that nobody has, with one reference; kNoBlock when all are in use.
  BlockId Take();
  void Retain(BlockId block);
  // True when that was the last reference; the block is then free.
  bool Release(BlockId block);

  int32_t references(BlockId block) const { return references_[static_cast<size_t>(block)]; }
  int64_t size() const { return static_cast<int64_t>(references_.size()); }
  int64_t used() const { return used_; }
  int64_t unused() const { return size() - used_; }
  int64_t peak_used() const { return peak_used_; }

 private:
  std::vector<int32_t> references_;
  std::vector<BlockId> given_back_;
  BlockId untouched_ = 0;  // this block and those above were never taken
  int64_t used_ = 0, peak_used_ = 0;
};

}  // namespace jade::backbone
