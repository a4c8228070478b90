#include "runtime/backbone/block_pool.h"

#include <algorithm>

#include "compiler/result/check.h"

namespace jade::backbone {

BlockId BlockPool::Take() {
  BlockId block = kNoBlock;
  if (!given_back_.empty()) {
    block = given_back_.back();
    given_back_.pop_back();
  } else if (untouched_ < size()) {
    block = untouched_++;
  } else {
    return kNoBlock;
  }
  references_[static_cast<size_t>(block)] = 1;
  peak_used_ = std::max(peak_used_, ++used_);
  return block;
}

void BlockPool::Retain(BlockId block) {
  JADE_CHECK(references(block) > 0, "block {} is free", block);
  ++references_[static_cast<size_t>(block)];
}

bool BlockPool::Release(BlockId block) {
  JADE_CHECK(references(block) > 0, "block {} is free", block);
  if (--references_[static_cast<size_t>(block)] > 0) return false;
  given_back_.push_back(block);
  --used_;
  return true;
}

}  // namespace jade::backbone
