#include "bench/quantile.h"

#include <algorithm>

namespace jade::bench {

double Quantile(std::vector<double>& samples, double q) {
  const auto rank = static_cast<size_t>(q * static_cast<double>(samples.size() - 1));
  std::nth_element(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(rank), samples.end());
  return samples[rank];
}

}  // namespace jade::bench
