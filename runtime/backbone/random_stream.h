#pragma once
// Counter-based random numbers: Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// The n-th number of a stream depends on its key and n alone, so what a call samples cannot depend on the schedule.

#include <array>
#include <cstdint>

namespace jade::backbone {

using RandomKey = std::array<uint64_t, 2>;

class RandomStream {
 public:
  explicit RandomStream(RandomKey key) : key_(key) {}

  uint64_t Next();       // the number at the position, which moves on by one
  double NextUniform();  // in [0, 1), 53 bits

  uint64_t position() const { return position_; }
  void Seek(uint64_t position) { position_ = position; }

 private:
  RandomKey key_;
  uint64_t position_ = 0;
};

// The Philox 4x32-10 block function.
std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

}  // namespace jade::backbone
