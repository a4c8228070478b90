#pragma once
// Points on a plane with the frontier of the best ones, and intervals of differences. Pure.

#include <string>
#include <vector>

#include "runtime/report/plot.h"

namespace jade::report {

struct Dot {
  double x = 0;
  double y = 0;
  double low = 0;  // of y, over the seeds
  double high = 0;
  std::string name;
  int colour = 0;
};

struct DotChart {
  std::string title;
  std::string note;
  std::string x_name;
  std::string y_name;
  std::vector<Dot> dots;
};

// A <figure>. The frontier joins the dots that no other dot beats in both: less x and more y. Empty without dots.
std::string Draw(const DotChart& chart);

struct Interval {
  std::string name;
  double value = 0;
  double low = 0;
  double high = 0;
};

// A <figure> with a row for each interval and a line at 0; what does not touch it stands out. Empty without rows.
std::string DrawIntervals(const std::string& title, const std::string& note, const std::vector<Interval>& intervals);

}  // namespace jade::report
