#pragma once
// A sequence that only grows and whose entries stay where they are. One thread adds to it; others may at the same time
// read the entries that they were told of (by way of something that orders the two, such as a mutex).

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace jade::types {

template <typename T>
class AppendOnly {
 public:
  size_t size() const { return size_.load(std::memory_order_relaxed); }
  T& operator[](size_t index) { return *Find(index); }
  const T& operator[](size_t index) const { return *Find(index); }

  void Append(T value) {
    const size_t index = size();
    std::unique_ptr<T[]>& chunk = chunks_[ChunkOf(index)];
    if (chunk == nullptr) chunk = std::make_unique<T[]>(kFirst << ChunkOf(index));
    chunk[Offset(index)] = std::move(value);
    size_.store(index + 1, std::memory_order_relaxed);
  }

 private:
  static constexpr size_t kFirst = 32;  // entries of the first chunk; each is twice as large as the one before
  static size_t ChunkOf(size_t index) {
    return static_cast<size_t>(std::bit_width(index + kFirst) - std::bit_width(kFirst));
  }
  static size_t Offset(size_t index) { return index + kFirst - (kFirst << ChunkOf(index)); }
  T* Find(size_t index) const { return chunks_[ChunkOf(index)].get() + Offset(index); }

  std::atomic<size_t> size_ = 0;  // written by one thread
  std::array<std::unique_ptr<T[]>, 28> chunks_;
};

}  // namespace jade::types
