// What several runs say together: the ablation's table and intervals, and the frontier of quality and cost.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "runtime/report/html.h"
#include "runtime/report/plot.h"
#include "runtime/report/point_chart.h"
#include "runtime/report/sections.h"

namespace jade::report {
namespace {

// The mean of what is there of one figure, and its range when there are several.
struct Summary {
  double sum = 0;
  double count = 0;
  double low = INFINITY;
  double high = -INFINITY;
  void Take(double value) {
    if (!std::isfinite(value)) return;
    sum += value;
    ++count;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  double mean() const { return count > 0 ? sum / count : kAbsent; }
};

std::string Cell(const Summary& summary, Unit unit) {
  std::string out = fmt::format("<td class=\"number\"><b>{}</b>", Figure(summary.mean(), unit));
  if (summary.high > summary.low) {
    out += fmt::format("<span class=\"range\">{} … {}</span>", Figure(summary.low, unit), Figure(summary.high, unit));
  }
  return out + "</td>";
}

struct Column {
  const char* name;
  double AblationRow::*figure;
  Unit unit;
};

constexpr Column kColumns[] = {
    {"Test F1", &AblationRow::test_f1, Unit::kShare},        {"Test EM", &AblationRow::test_em, Unit::kShare},
    {"Dev F1", &AblationRow::dev_f1, Unit::kShare},          {"Turns", &AblationRow::turns, Unit::kNumber},
    {"Retrievals", &AblationRow::retrievals, Unit::kNumber}, {"Lowest validity", &AblationRow::valid_min, Unit::kShare},
    {"Learning rate", &AblationRow::lr, Unit::kNumber}};

std::string ArmTable(const Ablation& ablation) {
  std::vector<std::string> arms;
  for (const AblationRow& row : ablation.rows) {
    if (std::find(arms.begin(), arms.end(), row.arm) == arms.end()) arms.push_back(row.arm);
  }
  std::string out =
      "<div class=\"scroll\"><table><caption>Means over the seeds, with their range</caption><thead><tr>"
      "<th scope=\"col\">Arm</th><th scope=\"col\">Seeds</th>";
  for (const Column& column : kColumns) out += fmt::format("<th scope=\"col\">{}</th>", column.name);
  out += "</tr></thead><tbody>";
  for (const std::string& arm : arms) {
    std::vector<Summary> cells(std::size(kColumns));
    std::set<int64_t> seeds;
    const bool has_choice = std::any_of(ablation.rows.begin(), ablation.rows.end(),
                                        [&](const AblationRow& row) { return row.arm == arm && row.chosen; });
    for (const AblationRow& row : ablation.rows) {
      if (row.arm != arm || (has_choice && !row.chosen)) continue;
      seeds.insert(row.seed);
      for (size_t i = 0; i < cells.size(); ++i) cells[i].Take(row.*(kColumns[i].figure));
    }
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td>", Escape(arm), seeds.size());
    for (size_t i = 0; i < cells.size(); ++i) out += Cell(cells[i], kColumns[i].unit);
    out += "</tr>";
  }
  return out + "</tbody></table></div>";
}

std::string RowTable(const Ablation& ablation) {
  std::string out =
      "<details><summary>Every run</summary><div class=\"scroll\"><table><thead><tr><th scope=\"col\">Arm</th>"
      "<th scope=\"col\">Seed</th>";
  for (const Column& column : kColumns) out += fmt::format("<th scope=\"col\">{}</th>", column.name);
  out += "</tr></thead><tbody>";
  for (const AblationRow& row : ablation.rows) {
    out += fmt::format("<tr><th scope=\"row\">{}</th><td class=\"number\">{}</td>", Escape(row.arm), row.seed);
    for (const Column& column : kColumns) {
      out += fmt::format("<td class=\"number\">{}</td>", Figure(row.*(column.figure), column.unit));
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div></details>";
}

// A parameter of the workflow as the run's configuration has it; "default" where it does not say.
std::string Parameter(const RunData& run, const std::string& name) {
  const auto found = run.about.config.find("params." + name);
  return found == run.about.config.end() ? "default" : ValueText(found->second);
}

// Runs of one arm and of the same weights.
struct Place {
  std::string name;
  int colour = 0;
  Summary f1;
  Summary turns;
  Summary retrievals;
};

std::vector<Place> PlacesOf(const View& view) {
  std::vector<Place> places;
  std::set<std::pair<std::string, std::string>> weights;
  for (size_t i = 0; i < view.arms.size(); ++i) {
    std::map<std::pair<std::string, std::string>, Place> own;
    for (const RunData* run : view.arms[i].runs) {
      const std::pair weight = {Parameter(*run, "alpha"), Parameter(*run, "beta")};
      weights.insert(weight);
      Place& place = own[weight];
      place.name = fmt::format("{} (α {}, β {})", Shortened(view.arms[i].name, 40), Shortened(weight.first, 20),
                               Shortened(weight.second, 20));
      place.colour = static_cast<int>(i);
      const Arm alone{run->about.name, {run}};
      place.f1.Take(ProgressOf(alone, {"dev/f1", "reward/f1"}).last);
      place.turns.Take(ProgressOf(alone, {"dev/turns", "run/turns"}).last);
      place.retrievals.Take(ProgressOf(alone, {"dev/retrievals", "run/retrievals"}).last);
    }
    for (const auto& [weight, place] : own) places.push_back(place);
  }
  if (weights.size() < 2) places.clear();  // nothing was traded
  return places;
}

DotChart ChartOf(const char* x_name, const std::vector<Place>& places, Summary Place::*figure) {
  DotChart chart;
  chart.title = fmt::format("F1 against {}", x_name);
  chart.note = "development set, last step";
  chart.x_name = fmt::format("{} a question", x_name);
  chart.y_name = "F1";
  for (const Place& place : places) {
    const double x = (place.*figure).mean();
    if (!std::isfinite(x) || place.f1.count == 0) continue;
    chart.dots.push_back({x, place.f1.mean(), place.f1.low, place.f1.high, place.name, place.colour});
  }
  return chart;
}

}  // namespace

std::string AblationSection(const View& view) {
  if (!view.report->ablation) return "";
  const Ablation& ablation = *view.report->ablation;
  std::vector<Interval> intervals;
  for (const Comparison& pair : ablation.comparisons) {
    intervals.push_back({fmt::format("{} − {}", pair.a, pair.b), pair.difference, pair.low, pair.high});
  }
  std::string out =
      DrawIntervals("Paired differences of F1", "points, with their intervals; filled: clear of zero", intervals);
  if (!ablation.rows.empty()) out = ArmTable(ablation) + out + RowTable(ablation);
  return out;
}

std::string FrontierSection(const View& view) {
  const std::vector<Place> places = PlacesOf(view);
  const std::string charts =
      Draw(ChartOf("turns", places, &Place::turns)) + Draw(ChartOf("retrievals", places, &Place::retrievals));
  return charts.empty() ? "" : "<div class=\"charts wide\">" + charts + "</div>";
}

}  // namespace jade::report
