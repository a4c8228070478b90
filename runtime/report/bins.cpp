#include "runtime/report/bins.h"

#include <fmt/format.h>

#include <algorithm>

namespace jade::report {

size_t Bins::Of(int64_t step) const {
  const auto next = std::upper_bound(first.begin(), first.end(), step);
  return next == first.begin() ? 0 : static_cast<size_t>(next - first.begin()) - 1;
}

Bins BinsOf(const std::set<int64_t>& steps, size_t most) {
  const std::vector<int64_t> sorted(steps.begin(), steps.end());
  const size_t count = std::min(most, sorted.size());
  Bins bins;
  for (size_t bin = 0; bin < count; ++bin) {
    const int64_t first = sorted[bin * sorted.size() / count];
    const int64_t last = sorted[(bin + 1) * sorted.size() / count - 1];
    bins.first.push_back(first);
    bins.names.push_back(first == last ? fmt::format("{}", first) : fmt::format("{}–{}", first, last));
  }
  return bins;
}

}  // namespace jade::report
