#pragma once
// A chart of lines over the steps: each the smoothed mean of an arm or of a role, with the raw values behind it and the
// range of the seeds as a band. Pure.

#include <optional>
#include <string>
#include <vector>

#include "runtime/report/arms.h"
#include "runtime/report/plot.h"

namespace jade::report {

struct Line {
  std::string name;
  std::string key;  // of the legend's switch
  int colour = 0;
  Band band;
};

struct Mark {  // an alarm
  double x = 0;
  std::string text;
};

struct LineChart {
  std::string title;
  std::string note;
  Unit unit = Unit::kNumber;
  bool logarithmic = false;
  bool to_one = false;  // the axis goes up to 100 %
  bool from_zero = false;
  std::optional<double> limit;  // a dashed line across
  std::string limit_name;
  std::vector<Line> lines;
  std::vector<Mark> marks;
};

// A <figure>; lines without points are left out, and a chart without lines is empty.
std::string Draw(const LineChart& chart);

}  // namespace jade::report
