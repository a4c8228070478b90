// Alarms, and what the runs are: configuration, machine, files.

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "runtime/report/html.h"
#include "runtime/report/sections.h"

namespace jade::report {
namespace {

constexpr size_t kMostAlarms = 200;
constexpr size_t kMostText = 300;

std::string Text(const metrics::Value& value) {
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<int64_t>(&value)) return fmt::format("{}", *whole);
  if (const auto* number = std::get_if<double>(&value)) return fmt::format("{:g}", *number);
  return std::get<std::string>(value);
}

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
    for (const auto& [key, value] : about.config) table.Add(key, i, Text(value));
    for (const auto& [key, value] : about.machine) table.Add("machine: " + key, i, Text(value));
  }
  return table;
}

}  // namespace

std::string AlarmSection(const View& view) {
  std::string rows;
  size_t count = 0;
  for (const RunData& run : view.report->runs) {
    for (const metrics::Alarm& alarm : run.alarms) {
      if (++count > kMostAlarms) continue;
      rows += fmt::format("<tr><td class=\"number\">{}</td>", alarm.step);
      if (view.report->runs.size() > 1) rows += fmt::format("<td>{}</td>", Escape(run.about.name));
      std::string kind = alarm.kind;
      std::replace(kind.begin(), kind.end(), '_', ' ');
      rows += fmt::format("<th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>", Escape(Shortened(kind, 60)),
                          Escape(Shortened(alarm.role.empty() ? "all" : alarm.role, 60)),
                          Escape(Shortened(alarm.text, kMostText)));
    }
  }
  if (count == 0) return view.tags.empty() ? "" : "<p class=\"note\">None was raised.</p>";
  const std::string more =
      count > kMostAlarms ? fmt::format("<p class=\"note\">… and {} more</p>", count - kMostAlarms) : "";
  return fmt::format(
      "<div class=\"scroll\"><table class=\"narrow\"><thead><tr><th scope=\"col\">Step</th>{}<th "
      "scope=\"col\">Alarm</th>"
      "<th scope=\"col\">Role</th><th scope=\"col\">What was seen</th></tr></thead><tbody>{}</tbody></table></div>{}",
      view.report->runs.size() > 1 ? "<th scope=\"col\">Run</th>" : "", rows, more);
}

std::string AboutSection(const View& view) {
  return ComparisonOf(*view.report).Html(*view.report);
}

}  // namespace jade::report
