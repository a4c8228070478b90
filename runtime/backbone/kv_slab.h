#pragma once
// The storage of all blocks of keys and values on the CPU: one mapping as large as the budget, of which the system
// gives pages as they are written. A block holds all layers and key heads of its tokens, for each the keys and then the
// values in the order of kernels/serving_kernels.h. Used by the executor's threads.

#include <cstdint>

#include "runtime/backbone/executor.h"
#include "runtime/backbone/fused_ops.h"
#include "runtime/kernels/serving_kernels.h"

namespace jade::backbone {

class KvSlab {
 public:
  // Throws std::bad_alloc when the address space has no room.
  KvSlab(const HeadLayout& layout, int64_t layers, kernels::Number number, int64_t budget_bytes);
  ~KvSlab();
  KvSlab(const KvSlab&) = delete;
  KvSlab& operator=(const KvSlab&) = delete;

  int64_t block_bytes() const { return block_bytes_; }
  int64_t block_count() const { return block_count_; }
  int64_t head_bytes() const { return head_bytes_; }
  kernels::Number number() const { return number_; }
  // Block 0 of a layer and key head; block b lies b·block_bytes() behind it.
  char* At(int64_t layer, int64_t head) const { return data_ + (layer * kv_heads_ + head) * head_bytes_; }
  void CopyBlock(BlockId from, BlockId to) const;

 private:
  char* data_ = nullptr;
  int64_t kv_heads_, head_bytes_, block_bytes_, block_count_;
  kernels::Number number_;
};

}  // namespace jade::backbone
