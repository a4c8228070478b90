// What changed, in a few figures.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/report/html.h"
#include "runtime/report/plot.h"
#include "runtime/report/sections.h"
#include "runtime/report/tags.h"

namespace jade::report {
namespace {

constexpr size_t kShortName = 24;  // bytes; longer names of arms may be broken

struct Row {
  std::string name;
  std::vector<std::string> tags;
  Unit unit = Unit::kNumber;
  bool less_is_better = false;
};

std::vector<Row> Rows() {
  return {{"F1", {"dev/f1", "reward/f1"}, Unit::kShare},
          {"Exact match", {"dev/em"}, Unit::kShare},
          {"Accuracy", {"dev/accuracy"}, Unit::kShare},
          {"Turns", {"dev/turns", "run/turns"}, Unit::kNumber, true},
          {"Retrievals", {"dev/retrievals", "run/retrievals"}, Unit::kNumber, true}};
}

double MeanOf(std::vector<double>::const_iterator begin, std::vector<double>::const_iterator end) {
  return std::accumulate(begin, end, 0.0) / static_cast<double>(end - begin);
}

struct Tile {
  std::string name;
  std::string value;
  std::string change;
  bool is_better = false;
  bool is_worse = false;
  std::string note;
};

Tile TileOf(const Row& row, const Progress& progress) {
  const double change = progress.last - progress.first;
  const double gain = row.less_is_better ? -change : change;
  const bool is_neutral = row.less_is_better || std::fabs(change) < 5e-4;  // fewer turns are a matter of taste
  Tile tile{row.name,
            Figure(progress.last, row.unit),
            Change(change, row.unit),
            !is_neutral && gain > 0,
            !is_neutral && gain < 0,
            ""};
  tile.note = fmt::format("from {}", Figure(progress.first, row.unit));
  if (!row.less_is_better) {
    tile.note += fmt::format(", best {} at step {:.0f}", Figure(progress.best, row.unit), progress.best_step);
  }
  return tile;
}

std::string Html(const Tile& tile) {
  const char* tone = tile.is_better ? "better" : tile.is_worse ? "worse" : "same";
  std::string out = fmt::format("<div class=\"tile\"><h3>{}</h3><p class=\"big\">{}", Escape(tile.name), tile.value);
  if (!tile.change.empty()) out += fmt::format(" <span class=\"{}\">{}</span>", tone, tile.change);
  return out + fmt::format("</p><p class=\"note\">{}</p></div>", Escape(tile.note));
}

double LongestSeconds(const Arm& arm) {
  double seconds = 0;
  for (const RunData* run : arm.runs) seconds = std::max(seconds, run->seconds);
  return seconds;
}

int64_t LastStep(const Arm& arm) {
  int64_t step = 0;
  for (const RunData* run : arm.runs) step = std::max(step, run->last_step);
  return step;
}

std::string Tiles(const View& view, const Arm& arm) {
  std::string out = "<div class=\"tiles\">";
  for (const Row& row : Rows()) {
    const Progress progress = ProgressOf(arm, row.tags, row.less_is_better);
    if (std::isfinite(progress.last)) out += Html(TileOf(row, progress));
  }
  const RoleProgress lowest = LowestValidity(view, arm);
  if (!lowest.role.empty()) {
    out += Html(TileOf({"Lowest validity: " + Shortened(lowest.role, 30), {}, Unit::kShare}, lowest.valid));
  }
  out += Html({"Time", Figure(LongestSeconds(arm), Unit::kSeconds), "", false, false,
               fmt::format("{} steps{}", LastStep(arm),
                           arm.runs.size() > 1 ? fmt::format(", {} seeds, the longest", arm.runs.size()) : "")});
  return out + "</div>";
}

std::string Cell(double first, double last, Unit unit, const std::string& name = "") {
  if (!std::isfinite(last)) return "<td class=\"number\">–</td>";
  return fmt::format("<td class=\"number\"><span class=\"from\">{} → </span><b>{}</b>{}</td>", Figure(first, unit),
                     Figure(last, unit), name.empty() ? "" : " " + Escape(Shortened(name, 30)));
}

std::string Table(const View& view) {
  std::string out =
      "<div class=\"scroll\"><table><caption>From the first step to the last, means over the seeds</caption><thead><tr>"
      "<th scope=\"col\">Arm</th><th scope=\"col\">Seeds</th>";
  for (const Row& row : Rows()) out += fmt::format("<th scope=\"col\">{}</th>", row.name);
  out +=
      "<th scope=\"col\">Best F1</th><th scope=\"col\">Lowest validity</th><th scope=\"col\">Steps</th>"
      "<th scope=\"col\">Time</th></tr></thead><tbody>";
  for (size_t i = 0; i < view.arms.size(); ++i) {
    const Arm& arm = view.arms[i];
    out += fmt::format("<tr><th scope=\"row\"{}><i class=\"swatch {}\"></i>{}</th><td class=\"number\">{}</td>",
                       arm.name.size() <= kShortName ? " class=\"short\"" : "", ColourClass(static_cast<int>(i)),
                       Escape(arm.name), arm.runs.size());
    for (const Row& row : Rows()) {
      const Progress progress = ProgressOf(arm, row.tags, row.less_is_better);
      out += Cell(progress.first, progress.last, row.unit);
    }
    const Progress f1 = ProgressOf(arm, Rows().front().tags);
    out += fmt::format("<td class=\"number\">{}{}</td>", Figure(f1.best, Unit::kShare),
                       std::isfinite(f1.best) ? fmt::format(" at {:.0f}", f1.best_step) : "");
    const RoleProgress lowest = LowestValidity(view, arm);
    out += Cell(lowest.valid.first, lowest.valid.last, Unit::kShare, lowest.role);
    out += fmt::format("<td class=\"number\">{}</td><td class=\"number\">{}</td></tr>", LastStep(arm),
                       Figure(LongestSeconds(arm), Unit::kSeconds));
  }
  return out + "</tbody></table></div>";
}

}  // namespace

Progress ProgressOf(const Arm& arm, const std::vector<std::string>& tags, bool less_is_better) {
  for (const std::string& tag : tags) {
    const Band band = arm.Figures(tag);
    if (band.empty()) continue;
    const bool is_dev = tag.rfind("dev/", 0) == 0;
    const auto reach = static_cast<std::ptrdiff_t>(is_dev ? 1 : std::min<size_t>(5, (band.mean.size() + 1) / 2));
    const Band smooth = is_dev ? band : Smoothed(band);
    const auto best = less_is_better ? std::min_element(smooth.mean.begin(), smooth.mean.end())
                                     : std::max_element(smooth.mean.begin(), smooth.mean.end());
    return {MeanOf(band.mean.begin(), band.mean.begin() + reach), MeanOf(band.mean.end() - reach, band.mean.end()),
            *best, smooth.x[static_cast<size_t>(best - smooth.mean.begin())]};
  }
  return {};
}

RoleProgress LowestValidity(const View& view, const Arm& arm) {
  RoleProgress lowest;
  for (const std::string& role : view.roles) {
    const Progress valid = ProgressOf(arm, {RoleTagText({true, role, "valid"}), RoleTagText({false, role, "valid"})});
    if (std::isfinite(valid.last) && !(valid.last >= lowest.valid.last)) lowest = {role, valid};
  }
  return lowest;
}

std::string HeadlineSection(const View& view) {
  if (view.tags.empty()) return "";
  return view.compares() ? Table(view) : Tiles(view, view.arms.front());
}

}  // namespace jade::report
