#include "runtime/report/point_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace jade::report {
namespace {

// From left to right, those that are above all dots left of them.
std::vector<const Dot*> Frontier(const std::vector<Dot>& dots) {
  std::vector<const Dot*> sorted;
  for (const Dot& dot : dots) sorted.push_back(&dot);
  std::sort(sorted.begin(), sorted.end(),
            [](const Dot* a, const Dot* b) { return a->x != b->x ? a->x < b->x : a->y > b->y; });
  std::vector<const Dot*> frontier;
  for (const Dot* dot : sorted) {
    if (frontier.empty() || dot->y > frontier.back()->y) frontier.push_back(dot);
  }
  return frontier;
}

std::string DrawDot(const Plot& plot, const Dot& dot, const std::string& tip) {
  const double x = plot.x.At(dot.x);
  std::string out = fmt::format("<g class=\"dot {}\" tabindex=\"0\" data-tip=\"{}\"><title>{}</title>",
                                ColourClass(dot.colour), Escape(tip), Escape(tip));
  if (dot.high > dot.low) {
    out += fmt::format("<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1:.1f}\" y2=\"{2:.1f}\"/>", x, plot.y.At(dot.low),
                       plot.y.At(dot.high));
  }
  out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"/>", x, plot.y.At(dot.y));
  const bool is_right = x > (plot.x.begin() + plot.x.end()) / 2;
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text></g>", x + (is_right ? 5 : -5),
                     plot.y.At(dot.y) - 10, is_right ? "end" : "start", Escape(Shortened(dot.name, 50)));
  return out;
}

}  // namespace

std::string Draw(const DotChart& chart) {
  if (chart.dots.empty()) return "";
  double left = INFINITY;
  double right = -INFINITY;
  double low = INFINITY;
  double high = -INFINITY;
  for (const Dot& dot : chart.dots) {
    left = std::min(left, dot.x);
    right = std::max(right, dot.x);
    low = std::min({low, dot.y, dot.low});
    high = std::max({high, dot.y, dot.high});
  }
  PlotSize size;
  size.width = 560;
  size.height = 320;
  size.left = 64;
  const Plot plot{size, XAxis(size, {.low = left, .high = right, .ticks = 6}),
                  YAxis(size, {.low = low, .high = high, .unit = Unit::kShare})};
  std::string svg = plot.Open(chart.title, chart.x_name, chart.y_name);
  std::string path;
  for (const Dot* dot : Frontier(chart.dots)) {
    path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : "L", plot.x.At(dot->x), plot.y.At(dot->y));
  }
  svg += fmt::format("<path class=\"frontier\" d=\"{}\"/>", path);
  for (const Dot& dot : chart.dots) {
    const std::string tip = fmt::format("{}: {} {}, {} {}", Shortened(dot.name, 100), chart.y_name,
                                        Figure(dot.y, Unit::kShare), chart.x_name, Figure(dot.x));
    svg += DrawDot(plot, dot, tip);
  }
  return FigureElement(chart.title, chart.note, svg + "</svg>", "", "");
}

std::string DrawIntervals(const std::string& title, const std::string& note, const std::vector<Interval>& intervals) {
  if (intervals.empty()) return "";
  constexpr int kRow = 30;
  double low = 0;
  double high = 0;
  for (const Interval& interval : intervals) {
    low = std::min({low, interval.low, interval.value});
    high = std::max({high, interval.high, interval.value});
  }
  PlotSize size;
  size.width = 720;
  size.left = 240;
  size.right = 175;
  size.height = size.top + size.bottom + kRow * static_cast<int>(intervals.size());
  const Plot plot{size, XAxis(size, {.low = low, .high = high, .ticks = 6, .unit = Unit::kShare}),
                  YAxis(size, {.ticks = 0})};
  std::string svg = plot.Open(title, "", "");
  svg += fmt::format("<line class=\"zero\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2:.1f}\"/>", plot.x.At(0),
                     size.top, plot.y.begin());
  double y = size.top + kRow / 2.0;
  for (const Interval& interval : intervals) {
    const bool is_clear = interval.low > 0 || interval.high < 0;
    const std::string text =
        fmt::format("{} [{}, {}]", Change(interval.value, Unit::kShare), fmt::format("{:.1f}", 100 * interval.low),
                    fmt::format("{:.1f}", 100 * interval.high));
    svg += fmt::format(
        "<g class=\"interval {0}\" tabindex=\"0\" data-tip=\"{1}\"><title>{1}</title><line x1=\"{2:.1f}\" "
        "x2=\"{3:.1f}\" "
        "y1=\"{4:.1f}\" y2=\"{4:.1f}\"/><circle cx=\"{5:.1f}\" cy=\"{4:.1f}\" r=\"5\"/>",
        is_clear ? "clear" : "open", Escape(Shortened(interval.name, 200) + ": " + text), plot.x.At(interval.low),
        plot.x.At(interval.high), y, plot.x.At(interval.value));
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>", size.left - 10, y + 4,
                       Escape(Shortened(interval.name, 40)));
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\">{}</text></g>", size.width - size.right + 10, y + 4, Escape(text));
    y += kRow;
  }
  return FigureElement(title, note, svg + "</svg>", "", "");
}

}  // namespace jade::report
