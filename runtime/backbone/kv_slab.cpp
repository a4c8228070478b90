#include "runtime/backbone/kv_slab.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace jade::backbone {

KvSlab::KvSlab(const HeadLayout& layout, int64_t layers, kernels::Number number, int64_t budget_bytes)
    : kv_heads_(layout.kv_heads), number_(number) {
  static_assert(kKvBlockTokens == kernels::kKvTokens);
  head_bytes_ = kernels::KvHeadBytes(number, layout.head_dim);
  block_bytes_ = layers * layout.kv_heads * head_bytes_;
  block_count_ = budget_bytes / block_bytes_;
  if (block_count_ == 0) return;
  const auto bytes = static_cast<size_t>(block_count_ * block_bytes_);
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (data == MAP_FAILED) throw std::bad_alloc();
  madvise(data, bytes, MADV_HUGEPAGE);  // advice: fewer misses of the address cache
  data_ = static_cast<char*>(data);
}

KvSlab::~KvSlab() {
  if (data_ != nullptr) munmap(data_, static_cast<size_t>(block_count_ * block_bytes_));
}

void KvSlab::CopyBlock(BlockId from, BlockId to) const {
  std::memcpy(data_ + to * block_bytes_, data_ + from * block_bytes_, static_cast<size_t>(block_bytes_));
}

}  // namespace jade::backbone
