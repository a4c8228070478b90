#pragma once
// What all charts share: an SVG with a frame, a grid, ticks and names of the axes. Colours are classes `c0`…`c7` and
// `other` of page.css, so that a chart is right on light and dark ground.

#include <string>
#include <string_view>

#include "runtime/report/axis.h"

namespace jade::report {

inline constexpr int kColours = 8;
inline constexpr int kOtherColour = kColours;

// "c3", "other". Colours come round after eight; the ninth line is dashed.
std::string ColourClass(int colour);

struct PlotSize {
  int width = 420;
  int height = 230;
  int left = 52;
  int right = 14;
  int top = 12;
  int bottom = 38;
};

struct Plot {
  PlotSize size;
  Axis x;
  Axis y;

  // The opening tag with a description for readers that do not see it, grid, ticks and names of the axes; names may be
  // empty.
  std::string Open(std::string_view description, std::string_view x_name, std::string_view y_name) const;
};

// Axis options with the ends of the plot's inner rectangle.
Axis XAxis(const PlotSize& size, Axis::Options options);
Axis YAxis(const PlotSize& size, Axis::Options options);

// One entry of a legend: a switch for what carries `key`, which the script turns on and off.
struct Key {
  std::string name;
  std::string key;
  int colour = 0;
  std::string value;  // shown behind the name, may be empty
  bool is_code = false;
};
std::string Legend(const std::vector<Key>& keys, bool of_page = false);

// <figure> around a chart. `data` is JSON for the script, may be empty.
std::string FigureElement(std::string_view title, std::string_view note, const std::string& svg,
                          const std::string& legend, const std::string& data);

}  // namespace jade::report
