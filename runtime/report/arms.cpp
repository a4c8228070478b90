#include "runtime/report/arms.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace jade::report {
namespace {

std::vector<double> MovingMean(const std::vector<double>& values, size_t reach) {
  std::vector<double> sums(values.size() + 1, 0);
  for (size_t i = 0; i < values.size(); ++i) sums[i + 1] = sums[i] + values[i];
  std::vector<double> means(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t begin = i - std::min(reach, i);
    const size_t end = std::min(i + reach + 1, values.size());
    means[i] = (sums[end] - sums[begin]) / static_cast<double>(end - begin);
  }
  return means;
}

}  // namespace

Band Combine(const std::vector<const Curve*>& curves) {
  struct Cell {
    double sum = 0;
    double count = 0;
    double low = 0;
    double high = 0;
  };
  std::map<double, Cell> cells;
  for (const Curve* curve : curves) {
    for (const Point& point : *curve) {
      Cell& cell = cells[point.step];
      cell.low = cell.count == 0 ? point.value : std::min(cell.low, point.value);
      cell.high = cell.count == 0 ? point.value : std::max(cell.high, point.value);
      cell.sum += point.value;
      ++cell.count;
    }
  }
  Band band;
  for (const auto& [step, cell] : cells) {
    band.x.push_back(step);
    band.mean.push_back(cell.sum / cell.count);
    band.low.push_back(cell.low);
    band.high.push_back(cell.high);
  }
  return band;
}

Band Smoothed(const Band& band) {
  if (band.x.size() < 40) return band;
  const size_t reach = band.x.size() / 40 + 1;
  return {band.x, MovingMean(band.mean, reach), MovingMean(band.low, reach), MovingMean(band.high, reach)};
}

Band Thinned(const Band& band, size_t most) {
  const size_t size = band.x.size();
  if (size <= most || most == 0) return band;
  const size_t bin = (size + most - 1) / most;
  Band thin;
  for (size_t begin = 0; begin < size; begin += bin) {
    const size_t end = std::min(begin + bin, size);
    double x = 0;
    double mean = 0;
    for (size_t i = begin; i < end; ++i) {
      x += band.x[i];
      mean += band.mean[i];
    }
    const auto count = static_cast<double>(end - begin);
    const auto at = [&](const std::vector<double>& values, size_t i) {
      return values.begin() + static_cast<std::ptrdiff_t>(i);
    };
    thin.x.push_back(x / count);
    thin.mean.push_back(mean / count);
    thin.low.push_back(*std::min_element(at(band.low, begin), at(band.low, end)));
    thin.high.push_back(*std::max_element(at(band.high, begin), at(band.high, end)));
  }
  return thin;
}

Band Arm::Figures(const std::string& tag) const {
  std::vector<const Curve*> curves;
  for (const RunData* run : runs) {
    const auto found = run->curves.find(tag);
    if (found != run->curves.end()) curves.push_back(&found->second);
  }
  return Combine(curves);
}

bool Arm::Has(const std::string& tag) const {
  return std::any_of(runs.begin(), runs.end(), [&](const RunData* run) { return run->curves.count(tag) > 0; });
}

std::vector<Arm> GroupByArm(std::span<const RunData> runs) {
  std::map<std::string, std::set<uint64_t>> seeds;
  std::set<std::string> mixed;  // arms in which two runs have one seed
  for (const RunData& run : runs) {
    if (!seeds[run.about.arm].insert(run.about.seed).second) mixed.insert(run.about.arm);
  }
  std::vector<Arm> arms;
  for (const RunData& run : runs) {
    const bool alone = run.about.arm.empty() || mixed.count(run.about.arm) > 0;
    const std::string name = alone ? run.about.name : run.about.arm;
    const auto found = std::find_if(arms.begin(), arms.end(), [&](const Arm& arm) { return arm.name == name; });
    if (found == arms.end()) {
      arms.push_back({name, {&run}});
    } else if (alone) {
      arms.push_back({fmt::format("{} ({})", name, run.folder), {&run}});
    } else {
      found->runs.push_back(&run);
    }
  }
  return arms;
}

}  // namespace jade::report
