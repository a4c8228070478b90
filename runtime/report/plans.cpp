// Which plans the planner chose, by type of question, as the run went on.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "runtime/report/bar_chart.h"
#include "runtime/report/bins.h"
#include "runtime/report/sections.h"

namespace jade::report {
namespace {

constexpr size_t kMostBars = 16;
constexpr size_t kMostTypes = 12;

// The plans chosen most often, which have a colour of their own; the rest is drawn as one.
struct Chosen {
  std::vector<std::string> plans;
  bool are_all = true;
};

Chosen MostChosen(const Report& report) {
  std::map<std::string, int64_t> totals;
  for (const RunData& run : report.runs) {
    for (const PlansAt& at : run.plans) {
      for (const auto& [type, counts] : at.plans) {
        for (const auto& [plan, count] : counts) totals[plan] += count;
      }
    }
  }
  std::vector<std::pair<int64_t, std::string>> sorted;
  for (const auto& [plan, count] : totals) sorted.emplace_back(-count, plan);
  std::sort(sorted.begin(), sorted.end());
  Chosen chosen;
  for (size_t i = 0; i < sorted.size() && i < static_cast<size_t>(kColours); ++i) {
    chosen.plans.push_back(sorted[i].second);
  }
  chosen.are_all = chosen.plans.size() == sorted.size();
  return chosen;
}

BarChart ChartOf(const Arm& arm, const std::string& split, const std::string& type, const Bins& bins,
                 const std::vector<std::string>& plans) {
  BarChart chart;
  chart.title = type;
  chart.as_shares = true;
  chart.legend = false;
  chart.bars = bins.names;
  for (size_t i = 0; i < plans.size(); ++i) {
    chart.layers.push_back(
        {plans[i], fmt::format("plan-{}", i), static_cast<int>(i), true, std::vector<double>(bins.names.size(), 0)});
  }
  chart.layers.push_back({"other plans", "plan-other", kOtherColour, false, std::vector<double>(bins.names.size(), 0)});
  std::vector<int64_t> questions(bins.names.size(), 0);
  for (const RunData* run : arm.runs) {
    for (const PlansAt& at : run->plans) {
      const auto counts = at.plans.find(type);
      if (at.split != split || counts == at.plans.end()) continue;
      const size_t bar = bins.Of(at.step);
      for (const auto& [plan, count] : counts->second) {
        const auto known = std::find(plans.begin(), plans.end(), plan);
        chart.layers[static_cast<size_t>(known - plans.begin())].values[bar] += static_cast<double>(count);
        questions[bar] += count;
      }
    }
  }
  for (const int64_t count : questions) chart.counts.push_back(fmt::format("of {} questions", count));
  return chart;
}

struct Split {
  std::set<int64_t> steps;
  std::set<std::string> types;
};

std::map<std::string, Split> SplitsOf(const Arm& arm) {
  std::map<std::string, Split> splits;
  for (const RunData* run : arm.runs) {
    for (const PlansAt& at : run->plans) {
      Split& split = splits[at.split];
      split.steps.insert(at.step);
      for (const auto& [type, counts] : at.plans) {
        if (split.types.size() < kMostTypes) split.types.insert(type);
      }
    }
  }
  return splits;
}

std::string SplitName(const std::string& split) {
  if (split == "dev") return "On the development set, greedy";
  if (split == "train") return "In training, sampled";
  return split.empty() ? "Plans" : split;
}

}  // namespace

std::string PlanSection(const View& view) {
  const Chosen chosen = MostChosen(*view.report);
  const std::vector<std::string>& plans = chosen.plans;
  std::string out;
  for (const Arm& arm : view.arms) {
    for (const auto& [name, split] : SplitsOf(arm)) {
      const Bins bins = BinsOf(split.steps, kMostBars);
      std::string charts;
      for (const std::string& type : split.types) charts += Draw(ChartOf(arm, name, type, bins, plans));
      if (charts.empty()) continue;
      const std::string title = Escape((view.compares() ? arm.name + ": " : "") + SplitName(name));
      charts = "<div class=\"charts\">" + charts + "</div>";
      out += view.compares() && name == "train"
                 ? fmt::format("<details><summary>{}</summary>{}</details>", title, charts)
                 : fmt::format("<h3>{}</h3>{}", title, charts);
    }
  }
  if (out.empty()) return "";
  std::vector<Key> keys;
  for (size_t i = 0; i < plans.size(); ++i) {
    keys.push_back({Shortened(plans[i], 120), fmt::format("plan-{}", i), static_cast<int>(i), "", true});
  }
  if (!chosen.are_all) keys.push_back({"other plans", "plan-other", kOtherColour, "", false});
  return "<div class=\"scope\">" + Legend(keys) + out + "</div>";
}

}  // namespace jade::report
