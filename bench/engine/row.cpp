#include "bench/engine/row.h"

#include <algorithm>

#include "compiler/result/check.h"

namespace jade::bench {

double EngineRow::Best() const {
  if (samples.empty()) return value;
  return unit == "s" ? *std::min_element(samples.begin(), samples.end())
                     : *std::max_element(samples.begin(), samples.end());
}

double EngineRow::ShareOfLimit() const {
  return limit > 0 ? value / limit : 0;
}

EngineRow MakeRow(std::string name, std::string unit, std::vector<double> samples) {
  JADE_CHECK(!samples.empty(), "row `{}` has no samples", name);
  std::vector<double> sorted = samples;
  std::sort(sorted.begin(), sorted.end());
  const size_t middle = sorted.size() / 2;
  const double median = sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return {.name = std::move(name), .value = median, .unit = std::move(unit), .samples = std::move(samples)};
}

}  // namespace jade::bench
