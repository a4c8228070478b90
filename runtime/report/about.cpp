// Alarms, and what the runs are: configuration, machine, files.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/report/html.h"
#include "runtime/report/sections.h"

namespace jade::report {
namespace {

constexpr size_t kMostAlarms = 200;
constexpr size_t kMostAlarmsInSight = 12;  // more are folded
constexpr size_t kMostSteps = 4;
constexpr size_t kMostText = 300;

// A table of what each run says under each key: first the keys in which they differ.
class Comparison {
 public:
  void Add(const std::string& key, size_t run, const std::string& value) { rows_[key][run] = value; }

  std::string Html(const Report& report) const {
    const std::string same = RowsOf(report, /*differing=*/false);
    const std::string different = RowsOf(report, /*differing=*/true);
    std::string out;
    if (!different.empty()) {
      std::string head = "<th scope=\"col\">Differs</th>";
      for (const RunData& run : report.runs) head += fmt::format("<th scope=\"col\">{}</th>", Escape(run.about.name));
      out += fmt::format("<div class=\"scroll\"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>", head,
                         different);
    }
    if (!same.empty()) {
      out += fmt::format(
          "<details{}><summary>{}</summary><div class=\"scroll\"><table "
          "class=\"narrow\"><tbody>{}</tbody></table></div>"
          "</details>",
          different.empty() ? " open" : "", report.runs.size() > 1 ? "The same in all runs" : "Settings", same);
    }
    return out;
  }

 private:
  std::string RowsOf(const Report& report, bool differing) const {
    std::string out;
    for (const auto& [key, values] : rows_) {
      bool differs = values.size() != report.runs.size();
      for (const auto& [run, value] : values) differs |= value != values.begin()->second;
      if (differs != differing) continue;
      out += fmt::format("<tr><th scope=\"row\">{}</th>", Escape(Shortened(key, kMostText)));
      for (size_t run = 0; run < (differing ? report.runs.size() : 1); ++run) {
        const auto found = values.find(run);
        out += fmt::format("<td>{}</td>", found == values.end() ? "–" : Escape(Shortened(found->second, kMostText)));
      }
      out += "</tr>";
    }
    return out;
  }

  std::map<std::string, std::map<size_t, std::string>> rows_;
};

Comparison ComparisonOf(const Report& report) {
  Comparison table;
  for (size_t i = 0; i < report.runs.size(); ++i) {
    const metrics::RunDescription& about = report.runs[i].about;
    const auto add = [&](const char* key, const std::string& value) {
      if (!value.empty()) table.Add(key, i, value);
    };
    add("arm", about.arm);
    add("data", about.data);
    add("folder", report.runs[i].folder);
    add("model", about.model);
    add("seed", fmt::format("{}", about.seed));
    add("started", about.started);
    add("workflow", about.workflow);
    for (const auto& [key, value] : about.config) table.Add(key, i, ValueText(value));
    for (const auto& [key, value] : about.machine) table.Add("machine: " + key, i, ValueText(value));
  }
  return table;
}

// What went off and on again: one kind of alarm about one role of a run.
struct RepeatedAlarm {
  const metrics::Alarm* first = nullptr;
  std::vector<int64_t> steps;
};

// In the order of their first steps.
std::vector<RepeatedAlarm> Together(const std::vector<metrics::Alarm>& alarms) {
  std::vector<RepeatedAlarm> together;
  std::map<std::pair<std::string_view, std::string_view>, size_t> places;
  for (const metrics::Alarm& alarm : alarms) {
    const auto [place, is_new] = places.try_emplace({alarm.kind, alarm.role}, together.size());
    if (is_new) together.push_back({&alarm, {}});
    together[place->second].steps.push_back(alarm.step);
  }
  return together;
}

// "10, 15, 17 and 4 more".
std::string StepsOf(const RepeatedAlarm& alarm) {
  const size_t shown = alarm.steps.size() > kMostSteps + 1 ? kMostSteps : alarm.steps.size();
  const std::span<const int64_t> steps = std::span(alarm.steps).first(shown);
  std::string text = fmt::format("{}", fmt::join(steps, ", "));
  if (shown < alarm.steps.size()) text += fmt::format(" and {} more", alarm.steps.size() - shown);
  return text;
}

}  // namespace

std::string ValueText(const metrics::Value& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{:g}", *number);
  return std::get<std::string>(value);
}

std::string AlarmSection(const View& view) {
  std::string rows;
  size_t count = 0;
  std::map<std::string, size_t> kinds;
  for (const RunData& run : view.report->runs) {
    for (const RepeatedAlarm& alarm : Together(run.alarms)) {
      std::string kind = Shortened(alarm.first->kind, 60);
      std::replace(kind.begin(), kind.end(), '_', ' ');
      ++kinds[kind];
      if (++count > kMostAlarms) continue;
      rows += fmt::format("<tr><td>{}</td>", StepsOf(alarm));
      if (view.report->runs.size() > 1) rows += fmt::format("<td>{}</td>", Escape(run.about.name));
      rows += fmt::format("<th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>", Escape(kind),
                          Escape(Shortened(alarm.first->role.empty() ? "all" : alarm.first->role, 60)),
                          Escape(Shortened(alarm.first->text, kMostText)));
    }
  }
  if (count == 0) return view.tags.empty() ? "" : "<p class=\"note\">None was raised.</p>";
  const std::string more =
      count > kMostAlarms ? fmt::format("<p class=\"note\">… and {} more</p>", count - kMostAlarms) : "";
  std::string table = fmt::format(
      "<div class=\"scroll\"><table class=\"narrow\"><thead><tr><th scope=\"col\">Steps</th>{}<th "
      "scope=\"col\">Alarm</th>"
      "<th scope=\"col\">Role</th><th scope=\"col\">What was seen first</th></tr></thead><tbody>{}</tbody></table>"
      "</div>{}",
      view.report->runs.size() > 1 ? "<th scope=\"col\">Run</th>" : "", rows, more);
  if (count <= kMostAlarmsInSight) return table;
  std::vector<std::string> counts;
  for (const auto& [kind, times] : kinds) counts.push_back(fmt::format("{} {}", times, Escape(kind)));
  counts.resize(std::min(counts.size(), kMostAlarmsInSight));
  return fmt::format("<details><summary>{}</summary>{}</details>", fmt::join(counts, ", "), table);
}

std::string AboutSection(const View& view) {
  return ComparisonOf(*view.report).Html(*view.report);
}

}  // namespace jade::report
