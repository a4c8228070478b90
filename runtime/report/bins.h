#pragma once
// Steps put together into bars. Pure.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace jade::report {

// Consecutive steps, about as many in each bin.
struct Bins {
  std::vector<int64_t> first;      // step of each bin; rising
  std::vector<std::string> names;  // "40", "40–59"
  size_t Of(int64_t step) const;   // of one of the steps
};

// At most `most` (≥ 1) bins.
Bins BinsOf(const std::set<int64_t>& steps, size_t most);

}  // namespace jade::report
