#pragma once
// Memory for large arrays that live long, in pages as large as the system gives: reading weights through small pages
// takes twice the time on a virtual machine, most of it looking up addresses (docs/benchmarks.md). One thread.

#include <cstddef>
#include <vector>

namespace jade::kernels {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(Arena&& other) noexcept;
  Arena& operator=(Arena&& other) noexcept;

  // Zeroed, on a 64-byte boundary; stays until the arena goes. Throws std::bad_alloc.
  char* Take(size_t bytes);
  size_t bytes() const { return bytes_; }  // taken

 private:
  struct Chunk {
    char* data;
    size_t size;
  };
  void AddChunk(size_t bytes);

  std::vector<Chunk> chunks_;
  size_t used_ = 0;  // of the last chunk
  size_t bytes_ = 0;
};

}  // namespace jade::kernels
