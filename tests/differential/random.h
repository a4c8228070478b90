#pragma once
// SplitMix64: the same numbers on every platform and with every standard library, so that a seed names one program
// everywhere.

#include <cstdint>
#include <string_view>
#include <vector>

namespace jade::differential {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  // From 0 to n - 1; n is small, so that the bias of the remainder does not matter.
  uint32_t Below(uint32_t n) { return static_cast<uint32_t>(Next() % n); }
  int Between(int low, int high) { return low + static_cast<int>(Below(static_cast<uint32_t>(high - low + 1))); }
  bool Chance(uint32_t percent) { return Below(100) < percent; }
  template <typename Items>
  const auto& Pick(const Items& items) {
    return items[Below(static_cast<uint32_t>(items.size()))];
  }

 private:
  uint64_t state_;
};

// FNV-1a, for streams that are named by texts.
inline uint64_t HashOf(std::string_view text, uint64_t seed) {
  uint64_t hash = 0xCBF29CE484222325U ^ seed;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3U;
  return hash;
}

}  // namespace jade::differential
