#pragma once
// The random stream of everything generated here: a splitmix64 sequence with its own rounding, so that a seed gives
// the same bytes with every compiler and standard library. A value; not shared between threads.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace jade::data {

// 64 mixed bits of a string; the same on every machine. Splits and per-entity choices hang on it.
uint64_t HashText(std::string_view text, uint64_t seed = 0);

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15ull;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }

  // Uniform in [0, n); 0 < n < 2^32. The bias of the multiplication is below n / 2^32.
  size_t Below(size_t n) { return static_cast<size_t>(((Next() >> 32) * static_cast<uint64_t>(n)) >> 32); }

  // Uniform in [low, high].
  int Between(int low, int high) { return low + static_cast<int>(Below(static_cast<size_t>(high - low + 1))); }

  bool Chance(double probability) { return static_cast<double>(Next() >> 11) * 0x1.0p-53 < probability; }

  template <typename Sequence>
  const auto& Pick(const Sequence& choices) {
    return choices[Below(std::size(choices))];
  }

  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[Below(i)]);
  }

 private:
  uint64_t state_;
};

}  // namespace jade::data
