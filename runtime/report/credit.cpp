// Where the advantages' variance comes from: the team's reward or the local penalties, by role.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/report/bar_chart.h"
#include "runtime/report/bins.h"
#include "runtime/report/sections.h"
#include "runtime/report/tags.h"

namespace jade::report {
namespace {

constexpr size_t kMostBars = 16;

std::vector<Layer> LayersOf(size_t bars) {
  return {{"team reward", "variance-team", 0, false, std::vector<double>(bars, 0)},
          {"penalties", "variance-penalty", 1, false, std::vector<double>(bars, 0)}};
}

constexpr const char* kParts[] = {"advantage_variance_team", "advantage_variance_penalty"};

// Bars over the steps.
std::string OverSteps(const Arm& arm, const std::string& role) {
  std::set<int64_t> steps;
  for (const char* part : kParts) {
    for (const double step : arm.Figures(RoleTagText({false, role, part})).x) steps.insert(std::llround(step));
  }
  const Bins bins = BinsOf(steps, kMostBars);
  BarChart chart;
  chart.title = role;
  chart.bars = bins.names;
  chart.layers = LayersOf(bins.names.size());
  chart.legend = false;
  for (size_t part = 0; part < 2; ++part) {
    const Band band = arm.Figures(RoleTagText({false, role, kParts[part]}));
    std::vector<double> counts(bins.names.size(), 0);
    for (size_t i = 0; i < band.x.size(); ++i) {
      const size_t bar = bins.Of(std::llround(band.x[i]));
      chart.layers[part].values[bar] += std::max(band.mean[i], 0.0);
      ++counts[bar];
    }
    for (size_t bar = 0; bar < counts.size(); ++bar) chart.layers[part].values[bar] /= std::max(counts[bar], 1.0);
  }
  return Draw(chart);
}

double MeanOfLastQuarter(const Band& band) {
  if (band.empty()) return 0;
  const size_t count = (band.mean.size() + 3) / 4;
  const auto begin = band.mean.end() - static_cast<std::ptrdiff_t>(count);
  return std::max(0.0, std::accumulate(begin, band.mean.end(), 0.0) / static_cast<double>(count));
}

// A bar for each arm.
std::string OverArms(const View& view, const std::string& role) {
  BarChart chart;
  chart.title = role;
  chart.note = "mean of the last quarter of the steps";
  chart.x_name = "arm";
  chart.legend = false;
  chart.layers = LayersOf(view.arms.size());
  bool is_there = false;
  for (size_t i = 0; i < view.arms.size(); ++i) {
    chart.bars.push_back(Shortened(view.arms[i].name, view.arms.size() > 3 ? 12 : 24));
    for (size_t part = 0; part < 2; ++part) {
      const Band band = view.arms[i].Figures(RoleTagText({false, role, kParts[part]}));
      chart.layers[part].values[i] = MeanOfLastQuarter(band);
      is_there |= !band.empty();
    }
  }
  return is_there ? Draw(chart) : "";
}

}  // namespace

std::string CreditSection(const View& view) {
  std::string charts;
  for (const std::string& role : view.roles) {
    charts += view.compares() ? OverArms(view, role) : OverSteps(view.arms.front(), role);
  }
  if (charts.empty()) return "";
  const std::vector<Key> keys = {{"team reward", "variance-team", 0}, {"penalties", "variance-penalty", 1}};
  return "<div class=\"scope\">" + Legend(keys) + "<div class=\"charts\">" + charts + "</div></div>";
}

}  // namespace jade::report
