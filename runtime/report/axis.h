#pragma once
// Scales of charts and their ticks. Values; pure.

#include <string>
#include <vector>

#include "runtime/report/html.h"

namespace jade::report {

struct Tick {
  double value = 0;
  std::string label;
};

// From values to places between `begin` and `end` (pixels; begin may be above end).
class Axis {
 public:
  // Covers low…high with ticks at round values, about `ticks` of them (0: none), and ends on round values unless
  // `exact`. Bounds that are equal or not finite are widened. A logarithmic axis ignores what is not positive.
  struct Options {
    double low = 0;
    double high = 1;
    double begin = 0;
    double end = 1;
    int ticks = 5;
    bool exact = false;
    bool logarithmic = false;
    Unit unit = Unit::kNumber;
  };
  explicit Axis(const Options& options);

  double At(double value) const;  // clamped to the axis
  const std::vector<Tick>& ticks() const { return ticks_; }
  double low() const { return low_; }
  double high() const { return high_; }
  double begin() const { return begin_; }
  double end() const { return end_; }
  bool logarithmic() const { return logarithmic_; }

 private:
  void MakeLinear(const Options& options);
  void MakeLogarithmic(const Options& options);
  double low_ = 0;
  double high_ = 1;
  double begin_ = 0;
  double end_ = 1;
  bool logarithmic_ = false;
  std::vector<Tick> ticks_;
};

}  // namespace jade::report
