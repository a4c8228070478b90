#include "runtime/report/bar_chart.h"

#include <fmt/format.h>

#include <algorithm>

namespace jade::report {
namespace {

double Total(const BarChart& chart, size_t bar) {
  double total = 0;
  for (const Layer& layer : chart.layers) total += layer.values[bar];
  return total;
}

std::string Tip(const BarChart& chart, const Layer& layer, size_t bar, double shown) {
  const std::string count = chart.counts.empty() ? "" : " · " + chart.counts[bar];
  return fmt::format("{}: {} · {} {}{}", Shortened(layer.name, 200),
                     Figure(shown, chart.as_shares ? Unit::kShare : Unit::kNumber), chart.x_name, chart.bars[bar],
                     count);
}

// The names of about eight bars.
std::string BarNames(const BarChart& chart, const Plot& plot, double width) {
  const size_t every = (chart.bars.size() + 6) / 7;
  std::string out = "<g class=\"grid\" aria-hidden=\"true\">";
  for (size_t bar = 0; bar < chart.bars.size(); bar += every) {
    out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>",
                       plot.x.begin() + (static_cast<double>(bar) + 0.5) * width, plot.y.begin() + 15,
                       Escape(chart.bars[bar]));
  }
  return out + "</g>";
}

}  // namespace

std::string Draw(const BarChart& chart) {
  if (chart.bars.empty() || chart.layers.empty()) return "";
  double most = chart.as_shares ? 1 : 0;
  for (size_t bar = 0; !chart.as_shares && bar < chart.bars.size(); ++bar) most = std::max(most, Total(chart, bar));
  const PlotSize size;
  const Plot plot{size, XAxis(size, {.ticks = 0}),
                  YAxis(size, {.low = 0, .high = most, .unit = chart.as_shares ? Unit::kShare : Unit::kNumber})};
  const double width = (plot.x.end() - plot.x.begin()) / static_cast<double>(chart.bars.size());
  const double gap = std::min(2.0, width / 5);

  std::string svg = plot.Open(chart.title + ", as stacked bars", chart.x_name, "") + BarNames(chart, plot, width);
  std::vector<double> floor(chart.bars.size(), 0);
  std::vector<Key> keys;
  for (const Layer& layer : chart.layers) {
    keys.push_back({Shortened(layer.name, 80), layer.key, layer.colour, "", layer.is_code});
    svg += fmt::format("<g class=\"bars {}\" data-key=\"{}\">", ColourClass(layer.colour), Escape(layer.key));
    for (size_t bar = 0; bar < chart.bars.size(); ++bar) {
      const double whole = chart.as_shares ? Total(chart, bar) : 1;
      const double shown = whole > 0 ? layer.values[bar] / whole : 0;
      if (shown <= 0) continue;
      const double bottom = plot.y.At(floor[bar]);
      floor[bar] += shown;
      const double top = plot.y.At(floor[bar]);
      const std::string tip = Escape(Tip(chart, layer, bar, shown));
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" data-tip=\"{}\"><title>{}</title></rect>",
          plot.x.begin() + static_cast<double>(bar) * width + gap / 2, top, width - gap, bottom - top, tip, tip);
    }
    svg += "</g>";
  }
  return FigureElement(chart.title, chart.note, svg + "</svg>", chart.legend ? Legend(keys) : "", "");
}

}  // namespace jade::report
