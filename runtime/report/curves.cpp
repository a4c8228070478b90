// Curves of all figures, in groups: the tags are those that are there.

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "runtime/metrics/alarms.h"
#include "runtime/report/line_chart.h"
#include "runtime/report/sections.h"
#include "runtime/report/tags.h"

namespace jade::report {
namespace {

bool Begins(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

LineChart Prepared(const TagLook& look) {
  LineChart chart;
  chart.title = look.title;
  chart.note = look.note;
  chart.unit = look.unit;
  chart.logarithmic = look.logarithmic;
  chart.to_one = look.to_one;
  chart.from_zero = look.from_zero;
  chart.limit = look.limit;
  chart.limit_name = look.limit_name;
  return chart;
}

// One line an arm.
void AddArms(const View& view, const std::string& tag, LineChart* chart) {
  for (size_t i = 0; i < view.arms.size(); ++i) {
    chart->lines.push_back(
        {view.arms[i].name, fmt::format("arm-{}", i), static_cast<int>(i), view.arms[i].Figures(tag)});
  }
}

std::vector<Mark> MarksWhere(const View& view, const std::function<bool(const metrics::Alarm&)>& belongs) {
  std::vector<Mark> marks;
  for (const RunData& run : view.report->runs) {
    for (const metrics::Alarm& alarm : run.alarms) {
      if (!belongs(alarm) || marks.size() >= 50) continue;
      const std::string who = view.report->runs.size() > 1 ? run.about.name + ", " : "";
      const std::string role = alarm.role.empty() ? "" : ", " + alarm.role;
      marks.push_back({static_cast<double>(alarm.step),
                       Shortened(fmt::format("{}step {}{}: {}", who, alarm.step, role, alarm.text), 300)});
    }
  }
  return marks;
}

// The alarms about this figure; of the role, or of all roles when it is empty.
std::vector<Mark> MarksOf(const View& view, const std::string& figure, const std::string& role) {
  std::string kind;
  if (figure == "entropy") kind = metrics::kEntropyCollapse;
  if (figure == "valid") kind = metrics::kValidityDrop;
  if (figure == "length") kind = metrics::kLengthExplosion;
  if (figure == "kl") kind = metrics::kKl;
  return MarksWhere(view, [&](const metrics::Alarm& alarm) {
    return !kind.empty() && alarm.kind == kind && (role.empty() || alarm.role == role);
  });
}

std::string ChartOf(const View& view, const std::string& tag) {
  LineChart chart = Prepared(LookOf(tag));
  AddArms(view, tag, &chart);
  // Its text begins with the figure that fell.
  chart.marks = MarksWhere(view, [&](const metrics::Alarm& alarm) {
    return alarm.kind == metrics::kDevFall && Begins(alarm.text, tag + " ");
  });
  return Draw(chart);
}

// Charts of the tags that do not belong to a role and that `belongs` takes: those with a known name in the order of
// their names here, then the others.
std::string Charts(const View& view, const std::vector<std::string_view>& first,
                   const std::function<bool(const std::string&)>& belongs) {
  std::string out;
  for (const std::string_view tag : first) {
    if (view.tags.count(std::string(tag)) > 0) out += ChartOf(view, std::string(tag));
  }
  for (const std::string& tag : view.tags) {
    const bool is_done = std::find(first.begin(), first.end(), tag) != first.end();
    if (!is_done && !AsRoleTag(tag) && belongs(tag)) out += ChartOf(view, tag);
  }
  return out.empty() ? "" : "<div class=\"charts\">" + out + "</div>";
}

std::string Charts(const View& view, const std::vector<std::string_view>& first,
                   const std::vector<std::string_view>& prefixes) {
  return Charts(view, first, [&](const std::string& tag) {
    return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) { return Begins(tag, prefix); });
  });
}

// One chart with a line for each role, or, where arms are compared, a chart for each role.
std::string RoleCharts(const View& view, const std::string& figure, bool is_dev) {
  const TagLook look = LookOf(figure);
  const std::string where = is_dev ? "development set" : "training";
  if (!view.compares()) {
    LineChart chart = Prepared(look);
    chart.note += (chart.note.empty() ? "" : ", ") + where;
    for (size_t i = 0; i < view.roles.size(); ++i) {
      chart.lines.push_back({view.roles[i], fmt::format("role-{}", i), static_cast<int>(i),
                             view.arms.front().Figures(RoleTagText({is_dev, view.roles[i], figure}))});
    }
    chart.marks = MarksOf(view, figure, "");
    return Draw(chart);
  }
  std::string out;
  for (const std::string& role : view.roles) {
    LineChart chart = Prepared(look);
    chart.title = role;
    chart.note = where;
    AddArms(view, RoleTagText({is_dev, role, figure}), &chart);
    chart.marks = MarksOf(view, figure, role);
    out += Draw(chart);
  }
  return out;
}

std::string Grid(const std::string& charts) {
  return charts.empty() ? "" : "<div class=\"charts\">" + charts + "</div>";
}

// From the first to the last step, a row a role.
std::string ValidityTable(const View& view) {
  std::string rows;
  for (const std::string& role : view.roles) {
    std::string cells;
    bool is_there = false;
    for (const Arm& arm : view.arms) {
      const Progress progress =
          ProgressOf(arm, {RoleTagText({true, role, "valid"}), RoleTagText({false, role, "valid"})});
      is_there |= progress.last == progress.last;
      cells += fmt::format("<td class=\"number\"><span class=\"from\">{} → </span><b>{}</b></td>",
                           Figure(progress.first, Unit::kShare), Figure(progress.last, Unit::kShare));
    }
    if (is_there) rows += fmt::format("<tr><th scope=\"row\">{}</th>{}</tr>", Escape(role), cells);
  }
  if (rows.empty()) return "";
  std::string head = "<th scope=\"col\">Role</th>";
  for (const Arm& arm : view.arms) {
    head += fmt::format("<th scope=\"col\">{}</th>", view.compares() ? Escape(arm.name) : "First → last");
  }
  return fmt::format(
      "<div class=\"scroll\"><table class=\"narrow\"><caption>Valid outputs, from first to "
      "last</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>",
      head, rows);
}

std::set<std::string> RoleFigures(const View& view, bool is_dev) {
  std::set<std::string> figures;
  for (const std::string& tag : view.tags) {
    const auto parts = AsRoleTag(tag);
    if (parts && parts->is_dev == is_dev) figures.insert(parts->figure);
  }
  return figures;
}

}  // namespace

std::string CurveSection(const View& view) {
  return Charts(view,
                {"dev/f1", "dev/em", "dev/accuracy", "reward/mean", "reward/f1", "reward/cost", "dev/turns",
                 "dev/retrievals", "run/turns", "run/retrievals", "run/tokens", "run/failed"},
                {"dev/", "reward/", "run/"});
}

std::string ValiditySection(const View& view) {
  const std::string dev = RoleCharts(view, "valid", /*is_dev=*/true);
  const std::string train = RoleCharts(view, "valid", /*is_dev=*/false);
  if (dev.empty() && train.empty()) return "";
  if (!view.compares()) return Grid(dev + train + "<div class=\"card\">" + ValidityTable(view) + "</div>");
  if (dev.empty()) return ValidityTable(view) + Grid(train);
  return ValidityTable(view) + Grid(dev) + "<details><summary>In training</summary>" + Grid(train) + "</details>";
}

std::string RoleSection(const View& view) {
  std::set<std::string> figures = RoleFigures(view, /*is_dev=*/false);
  for (const char* elsewhere :
       {"valid", "advantage_variance", "advantage_variance_team", "advantage_variance_penalty"}) {
    figures.erase(elsewhere);
  }
  std::string out;
  for (const bool is_dev : {false, true}) {
    for (const std::string& figure : is_dev ? RoleFigures(view, true) : figures) {
      if (figure == "valid") continue;
      const std::string charts = RoleCharts(view, figure, is_dev);
      if (!view.compares()) {
        out += charts;
      } else if (!charts.empty()) {
        const TagLook look = LookOf(figure);
        out += fmt::format("<details><summary>{}<span>{}</span></summary>{}</details>", Escape(look.title),
                           Escape(look.note.empty() ? "" : ", " + look.note), Grid(charts));
      }
    }
  }
  return view.compares() ? out : Grid(out);
}

std::string OptimisationSection(const View& view) {
  return Charts(view,
                {"policy/loss", "policy/grad_norm", "policy/clip_fraction", "value/loss", "value/explained_variance"},
                {"policy/", "value/"});
}

std::string MismatchSection(const View& view) {
  return Charts(view, {"train/mismatch_kl", "train/mismatch_max"}, {"train/"});
}

std::string SpeedSection(const View& view) {
  return Charts(view, {"time/step", "time/rollout", "time/update"}, {"time/", "speed/"});
}

std::string OtherSection(const View& view) {
  constexpr std::string_view kShown[] = {"dev/", "reward/", "run/", "policy/", "value/", "train/", "time/", "speed/"};
  return Charts(view, {}, [&](const std::string& tag) {
    return std::none_of(std::begin(kShown), std::end(kShown),
                        [&](std::string_view start) { return Begins(tag, start); });
  });
}

}  // namespace jade::report
