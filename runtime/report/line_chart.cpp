#include "runtime/report/line_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace jade::report {
namespace {

constexpr size_t kMostPoints = 160;  // of a line; one every two pixels or so
constexpr size_t kFewPoints = 30;    // so few are marked with dots

struct Drawn {
  const Line* line = nullptr;
  Band raw;
  Band smooth;
};

struct Range {
  double low = INFINITY;
  double high = -INFINITY;
  void Take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

std::string Path(const Plot& plot, const std::vector<double>& x, const std::vector<double>& y) {
  std::string path;
  for (size_t i = 0; i < x.size(); ++i) {
    path += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", plot.x.At(x[i]), plot.y.At(y[i]));
  }
  return path;
}

std::string BandPath(const Plot& plot, const Band& band) {
  std::string path = Path(plot, band.x, band.high);
  for (size_t i = band.x.size(); i-- > 0;) {
    path += fmt::format("L{:.1f} {:.1f}", plot.x.At(band.x[i]), plot.y.At(band.low[i]));
  }
  return path + "Z";
}

bool HasRange(const Band& band) {
  for (size_t i = 0; i < band.x.size(); ++i) {
    if (band.high[i] - band.low[i] > 1e-12) return true;
  }
  return false;
}

std::string DrawLine(const Plot& plot, const Drawn& drawn, bool has_seeds) {
  std::string out =
      fmt::format("<g class=\"line {}\" data-key=\"{}\">", ColourClass(drawn.line->colour), Escape(drawn.line->key));
  const bool is_smoothed = drawn.smooth.mean != drawn.raw.mean;
  if (has_seeds) out += fmt::format("<path class=\"band\" d=\"{}\"/>", BandPath(plot, drawn.smooth));
  if (is_smoothed) out += fmt::format("<path class=\"raw\" d=\"{}\"/>", Path(plot, drawn.raw.x, drawn.raw.mean));
  out += fmt::format("<path class=\"mean\" d=\"{}\"/>", Path(plot, drawn.smooth.x, drawn.smooth.mean));
  if (drawn.smooth.x.size() <= kFewPoints) {
    for (size_t i = 0; i < drawn.smooth.x.size(); ++i) {
      out += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>", plot.x.At(drawn.smooth.x[i]),
                         plot.y.At(drawn.smooth.mean[i]));
    }
  }
  return out + "</g>";
}

Plot MakePlot(const LineChart& chart, const std::vector<Drawn>& lines) {
  Range x;
  Range y;
  double least_positive = INFINITY;
  for (const Drawn& drawn : lines) {
    x.Take(drawn.line->band.x.front());  // the points themselves are means over several steps when there are many
    x.Take(drawn.line->band.x.back());
    for (size_t i = 0; i < drawn.raw.x.size(); ++i) {
      y.Take(drawn.raw.mean[i]);
      y.Take(drawn.smooth.low[i]);
      y.Take(drawn.smooth.high[i]);
      if (drawn.raw.mean[i] > 0) least_positive = std::min(least_positive, drawn.raw.mean[i]);
    }
  }
  if (chart.limit) y.Take(*chart.limit);
  if (chart.from_zero) y.Take(0);
  if (chart.to_one) y.Take(1);
  const bool logarithmic = chart.logarithmic && std::isfinite(least_positive);
  if (logarithmic) y.low = chart.limit ? std::min(least_positive, *chart.limit) : least_positive;
  const PlotSize size;
  return {size, XAxis(size, {.low = x.low, .high = x.high, .ticks = 6, .exact = true}),
          YAxis(size, {.low = y.low, .high = y.high, .logarithmic = logarithmic, .unit = chart.unit})};
}

std::vector<std::string> Numbers(const std::vector<double>& values) {
  std::vector<std::string> out;
  for (const double value : values) out.push_back(fmt::format("{:.4g}", value));
  return out;
}

// Numbers as JSON, four digits each.
std::string List(const std::vector<double>& values) {
  return fmt::format("[{}]", fmt::join(Numbers(values), ","));
}

// What the script needs to answer a pointer: scales and values.
std::string Data(const LineChart& chart, const Plot& plot, const std::vector<Drawn>& lines,
                 const std::vector<bool>& has_seeds) {
  std::string out = fmt::format(
      "{{\"x\":[{},{}],\"y\":[{},{}],\"left\":{},\"right\":{},\"top\":{},\"bottom\":{},\"log\":{},\"unit\":{},"
      "\"lines\":[",
      plot.x.low(), plot.x.high(), plot.y.low(), plot.y.high(), plot.x.begin(), plot.x.end(), plot.y.end(),
      plot.y.begin(), plot.y.logarithmic(), static_cast<int>(chart.unit));
  for (size_t i = 0; i < lines.size(); ++i) {
    const Drawn& drawn = lines[i];
    if (i > 0) out += ",";
    out += fmt::format("{{\"name\":{},\"key\":{},\"colour\":\"{}\",\"x\":{},\"y\":{}",
                       nlohmann::json(drawn.line->name).dump(), nlohmann::json(drawn.line->key).dump(),
                       ColourClass(drawn.line->colour), List(drawn.smooth.x), List(drawn.smooth.mean));
    if (drawn.smooth.mean != drawn.raw.mean) out += fmt::format(",\"raw\":{}", List(drawn.raw.mean));
    if (has_seeds[i]) out += fmt::format(",\"low\":{},\"high\":{}", List(drawn.smooth.low), List(drawn.smooth.high));
    out += "}";
  }
  return out + "]}";
}

std::string DrawLimit(const LineChart& chart, const Plot& plot) {
  if (!chart.limit) return "";
  const double y = plot.y.At(*chart.limit);
  return fmt::format(
      "<g class=\"limit\"><line x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/><text x=\"{:.1f}\" "
      "y=\"{:.1f}\" text-anchor=\"end\">{}</text></g>",
      plot.x.begin(), plot.x.end(), y, y, plot.x.end(), y - 4, Escape(chart.limit_name));
}

std::string DrawMarks(const LineChart& chart, const Plot& plot) {
  std::string out;
  for (const Mark& mark : chart.marks) {
    const double x = plot.x.At(mark.x);
    out += fmt::format(
        "<g class=\"mark\" tabindex=\"0\" data-tip=\"{0}\"><title>{0}</title><line x1=\"{1:.1f}\" x2=\"{1:.1f}\" "
        "y1=\"{2:.1f}\" y2=\"{3:.1f}\"/><path d=\"M{1:.1f} {3:.1f}l-4 -7h8z\"/></g>",
        Escape(mark.text), x, plot.y.begin(), plot.y.end() + 4);
  }
  return out;
}

}  // namespace

std::string Draw(const LineChart& chart) {
  std::vector<Drawn> lines;
  for (const Line& line : chart.lines) {
    if (line.band.empty()) continue;
    lines.push_back({&line, Thinned(line.band, kMostPoints), Thinned(Smoothed(line.band), kMostPoints)});
  }
  if (lines.empty()) return "";
  const Plot plot = MakePlot(chart, lines);
  std::vector<bool> has_seeds;
  std::vector<Key> keys;
  std::string description = chart.title + " by step.";
  for (const Drawn& drawn : lines) {
    has_seeds.push_back(HasRange(drawn.line->band));
    const std::string last = Figure(drawn.smooth.mean.back(), chart.unit);
    keys.push_back({drawn.line->name, drawn.line->key, drawn.line->colour, last});
    description += fmt::format(" {}: {} to {}.", drawn.line->name, Figure(drawn.smooth.mean.front(), chart.unit), last);
  }
  std::string svg = plot.Open(description, "step", "") + DrawLimit(chart, plot);
  for (size_t i = 0; i < lines.size(); ++i) svg += DrawLine(plot, lines[i], has_seeds[i]);
  svg += DrawMarks(chart, plot) + "<g class=\"cross\"></g></svg>";
  return FigureElement(chart.title, chart.note, svg, Legend(keys), Data(chart, plot, lines, has_seeds));
}

}  // namespace jade::report
