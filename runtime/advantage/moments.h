#pragma once
// Count, sum and sum of squares of a set of numbers: what mean and variance need, and what can be summed over the
// ranks of a data-parallel trainer (three doubles). Plain values, any thread.

#include <algorithm>
#include <span>

namespace jade::advantage {

struct Moments {
  double count = 0.0;
  double sum = 0.0;
  double sum_squares = 0.0;

  void Add(double value, double times = 1.0) {
    count += times;
    sum += times * value;
    sum_squares += times * value * value;
  }
  void Add(const Moments& other) {
    count += other.count;
    sum += other.sum;
    sum_squares += other.sum_squares;
  }
  // 0 of nothing.
  double Mean() const { return count > 0.0 ? sum / count : 0.0; }
  // Unbiased (n − 1), as torch.var and verl's masked_var; 0 of fewer than two.
  double Variance() const {
    return count > 1.0 ? std::max(0.0, (sum_squares - sum * (sum / count)) / (count - 1.0)) : 0.0;
  }

  friend bool operator==(const Moments&, const Moments&) = default;
};

// to[i] += from[i]; the same size.
inline void AddMoments(std::span<const Moments> from, std::span<Moments> to) {
  for (size_t i = 0; i < to.size() && i < from.size(); ++i) to[i].Add(from[i]);
}

}  // namespace jade::advantage
