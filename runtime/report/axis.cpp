#include "runtime/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace jade::report {
namespace {

constexpr double kLeast = 1e-12;  // of a logarithmic axis
constexpr double kMost = 1e100;   // beyond it the length of an axis may not be finite

// 1, 2 or 5 times a power of ten, at least as large as `step`.
double RoundStep(double step) {
  const double power = std::pow(10.0, std::floor(std::log10(step)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= step * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

int DecimalsOf(double step) {
  return std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
}

}  // namespace

Axis::Axis(const Options& options) : begin_(options.begin), end_(options.end), logarithmic_(options.logarithmic) {
  if (logarithmic_) {
    MakeLogarithmic(options);
  } else {
    MakeLinear(options);
  }
}

void Axis::MakeLinear(const Options& options) {
  const bool usable = std::fabs(options.low) < kMost && std::fabs(options.high) < kMost && options.low <= options.high;
  low_ = usable ? options.low : 0;
  high_ = usable ? options.high : 1;
  const double size = std::max(std::fabs(low_), std::fabs(high_));
  if (high_ - low_ <= 1e-9 * size || high_ == low_) {
    const double half = size > 0 ? size / 10 : 0.5;
    low_ -= low_ == 0 ? 0 : half;
    high_ += half;
  }
  if (options.ticks <= 0) return;
  const double step = RoundStep((high_ - low_) / options.ticks);
  if (!options.exact) {
    low_ = std::floor(low_ / step + 1e-9) * step;
    high_ = std::ceil(high_ / step - 1e-9) * step;
  }
  const auto first = static_cast<long long>(std::ceil(low_ / step - 1e-9));
  const auto last = static_cast<long long>(std::floor(high_ / step + 1e-9));
  for (long long i = first; i <= last && ticks_.size() < 50; ++i) {
    const double value = static_cast<double>(i) * step;
    ticks_.push_back({value, TickLabel(value, DecimalsOf(step), options.unit)});
  }
}

void Axis::MakeLogarithmic(const Options& options) {
  const double low = std::isfinite(options.low) ? std::clamp(options.low, kLeast, kMost) : kLeast;
  const double high = std::isfinite(options.high) ? std::clamp(options.high, low, kMost) : low;
  const int first = static_cast<int>(std::floor(std::log10(low) + 1e-9));
  const int last = std::max(first + 1, static_cast<int>(std::ceil(std::log10(high) - 1e-9)));
  low_ = std::pow(10.0, first);
  high_ = std::pow(10.0, last);
  const int every = (last - first + options.ticks - 1) / std::max(options.ticks, 1);
  for (int power = first; power <= last; power += std::max(every, 1)) {
    const double value = std::pow(10.0, power);
    ticks_.push_back({value, power < -3 || power > 4 ? fmt::format("1e{}", power) : fmt::format("{:g}", value)});
  }
}

double Axis::At(double value) const {
  double share = 0;
  if (logarithmic_) {
    share = std::log(std::max(value, kLeast) / low_) / std::log(high_ / low_);
  } else {
    share = (value - low_) / (high_ - low_);
  }
  return begin_ + std::clamp(share, 0.0, 1.0) * (end_ - begin_);
}

}  // namespace jade::report
