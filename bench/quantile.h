#pragma once
// Internal to bench.

#include <chrono>
#include <vector>

namespace jade::bench {

// q from 0 to 1; changes the order of the samples.
double Quantile(std::vector<double>& samples, double q);

inline double Micros(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::micro>(time).count();
}

}  // namespace jade::bench
