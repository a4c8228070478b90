#include "runtime/kernels/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <utility>

namespace jade::kernels {
namespace {

constexpr size_t kLargePage = size_t{2} << 20;
constexpr size_t kChunk = size_t{32} << 20;

size_t RoundUp(size_t n, size_t unit) {
  return (n + unit - 1) / unit * unit;
}

}  // namespace

Arena::~Arena() {
  for (const Chunk& chunk : chunks_) munmap(chunk.data, chunk.size);
}

Arena::Arena(Arena&& other) noexcept
    : chunks_(std::exchange(other.chunks_, {})), used_(other.used_), bytes_(std::exchange(other.bytes_, 0)) {}

Arena& Arena::operator=(Arena&& other) noexcept {
  std::swap(chunks_, other.chunks_);
  std::swap(used_, other.used_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

// A mapping on a boundary of large pages: one that is a page longer, with its ends cut off.
void Arena::AddChunk(size_t bytes) {
  chunks_.reserve(chunks_.size() + 1);
  const size_t size = RoundUp(bytes, kLargePage);
  void* mapped = mmap(nullptr, size + kLargePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  auto* begin = static_cast<char*>(mapped);
  const size_t before = RoundUp(reinterpret_cast<uintptr_t>(begin), kLargePage) - reinterpret_cast<uintptr_t>(begin);
  char* data = begin + before;
  if (before > 0) munmap(begin, before);
  if (before < kLargePage) munmap(data + size, kLargePage - before);
  madvise(data, size, MADV_HUGEPAGE);  // advice: without it everything works, slower
  chunks_.push_back({data, size});
  used_ = 0;
}

char* Arena::Take(size_t bytes) {
  bytes = RoundUp(bytes, 64);
  if (chunks_.empty() || chunks_.back().size - used_ < bytes) AddChunk(std::max(bytes, kChunk));
  char* data = chunks_.back().data + used_;
  used_ += bytes;
  bytes_ += bytes;
  return data;
}

}  // namespace jade::kernels
