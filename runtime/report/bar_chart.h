#pragma once
// Stacked bars, over the steps or beside each other: how a whole is made up, and how that changes. Pure.

#include <string>
#include <vector>

#include "runtime/report/plot.h"

namespace jade::report {

struct Layer {
  std::string name;
  std::string key;
  int colour = 0;
  bool is_code = false;
  std::vector<double> values;  // one a bar, ≥ 0
};

struct BarChart {
  std::string title;
  std::string note;
  std::string x_name = "step";
  bool as_shares = false;           // every bar is brought to 100 %
  std::vector<std::string> bars;    // their names below the axis, not all of which are written
  std::vector<std::string> counts;  // what a bar stands for, in its tip; empty or one a bar
  std::vector<Layer> layers;        // from the bottom up
  bool legend = true;
};

// A <figure>; a chart without bars is empty.
std::string Draw(const BarChart& chart);

}  // namespace jade::report
