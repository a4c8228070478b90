#include "runtime/metrics/alarms.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <string>

namespace jade::metrics {
namespace {

using Values = std::span<const double>;
// What is wrong at the end of the values of one tag, as a sentence.
using Check = std::optional<std::string> (*)(Values values, size_t window, const AlarmLimits& limits);

double Mean(Values values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// The first and the last `window` values, or fewer so that the two do not overlap; none when there are fewer than two.
struct Ends {
  double first = 0;
  double last = 0;
};

std::optional<Ends> FirstAndLast(Values values, size_t window) {
  const size_t size = std::min(window, values.size() / 2);
  if (size == 0) return std::nullopt;
  return Ends{Mean(values.first(size)), Mean(values.last(size))};
}

std::optional<std::string> CheckEntropy(Values values, size_t window, const AlarmLimits& limits) {
  const auto ends = FirstAndLast(values, window);
  if (!ends || values.size() < 2 * window) return std::nullopt;
  if (ends->last < limits.entropy_floor) {
    return fmt::format("entropy is {:.4f} nats a token, below {:.4f}", ends->last, limits.entropy_floor);
  }
  if (ends->last < (1 - limits.entropy_fall) * ends->first) {
    return fmt::format("entropy fell from {:.3f} to {:.3f} nats a token, by more than {:.0f} %", ends->first,
                       ends->last, 100 * limits.entropy_fall);
  }
  return std::nullopt;
}

std::optional<std::string> CheckValidity(Values values, size_t window, const AlarmLimits& limits) {
  if (values.size() < window + 1) return std::nullopt;
  double best = 0;
  for (size_t end = window; end < values.size(); ++end)
    best = std::max(best, Mean(values.subspan(end - window, window)));
  const double now = Mean(values.last(window));
  if (best - now <= limits.validity_drop + 1e-9) return std::nullopt;
  return fmt::format("validity is {:.1f} %, {:.1f} points below its best", 100 * now, 100 * (best - now));
}

std::optional<std::string> CheckLength(Values values, size_t window, const AlarmLimits& limits) {
  const auto ends = FirstAndLast(values, window);
  if (!ends || ends->last < limits.length_floor || ends->last <= limits.length_factor * ends->first)
    return std::nullopt;
  return fmt::format("replies are {:.0f} tokens long, {:.1f} times as long as at the start ({:.0f})", ends->last,
                     ends->last / std::max(ends->first, 1e-9), ends->first);
}

std::optional<std::string> CheckKl(Values values, size_t window, const AlarmLimits& limits) {
  const double now = Mean(values.last(std::min(window, values.size())));
  if (now <= limits.kl) return std::nullopt;
  return fmt::format("KL from the reference is {:.3f} nats a token, above {:.3f}", now, limits.kl);
}

// The figure that chooses the best model, against the start. A twentieth is above the noise of a few hundred questions.
std::optional<std::string> FallOf(Values values, const AlarmLimits& limits) {
  const double first = values.front(), now = values.back();
  const double most = std::max(limits.dev_fall, limits.dev_fall_share * std::abs(first));
  if (first - now <= most + 1e-9) return std::nullopt;
  return fmt::format("{} is {:.4f}, {:.4f} below the start ({:.4f})", limits.dev_figure, now, first - now, first);
}

struct Watched {
  std::string_view suffix;
  std::string_view kind;
  Check check;
};

constexpr Watched kWatched[] = {
    {"/entropy", kEntropyCollapse, CheckEntropy},
    {"/valid", kValidityDrop, CheckValidity},
    {"/length", kLengthExplosion, CheckLength},
    {"/kl", kKl, CheckKl},
};

// "QR" of "role/QR/entropy" and "dev/role/QR/entropy"; nothing of another tag.
std::optional<std::string_view> RoleOf(std::string_view tag, std::string_view suffix) {
  constexpr std::string_view kDev = "dev/";
  constexpr std::string_view kRole = "role/";
  if (tag.substr(0, kDev.size()) == kDev) tag.remove_prefix(kDev.size());
  if (tag.substr(0, kRole.size()) != kRole || !tag.ends_with(suffix)) return std::nullopt;
  if (tag.size() <= kRole.size() + suffix.size()) return std::nullopt;
  return tag.substr(kRole.size(), tag.size() - kRole.size() - suffix.size());
}

std::vector<double> ValuesOf(std::span<const StepRecord> history, const std::string& tag) {
  std::vector<double> values;
  for (const StepRecord& record : history) {
    const auto found = record.scalars.find(tag);
    if (found != record.scalars.end() && std::isfinite(found->second)) values.push_back(found->second);
  }
  return values;
}

void CheckTag(std::span<const StepRecord> history, const std::string& tag, const AlarmLimits& limits,
              std::vector<Alarm>* alarms) {
  const bool is_dev = tag.rfind("dev/", 0) == 0;
  const size_t window = is_dev ? 1 : static_cast<size_t>(std::max<int64_t>(limits.window, 1));
  for (const Watched& watched : kWatched) {
    const auto role = RoleOf(tag, watched.suffix);
    if (!role) continue;
    const std::vector<double> values = ValuesOf(history, tag);
    if (values.empty()) continue;
    const auto now = watched.check(values, window, limits);
    const Values before(values.data(), values.size() - 1);
    if (!now || (!before.empty() && watched.check(before, window, limits))) continue;
    alarms->push_back({history.back().step, std::string(watched.kind), std::string(*role),
                       is_dev ? "on the development set: " + *now : *now});
  }
}

void CheckDevFigure(std::span<const StepRecord> history, const AlarmLimits& limits, std::vector<Alarm>* alarms) {
  const auto figure = history.back().scalars.find(limits.dev_figure);
  if (figure == history.back().scalars.end() || !std::isfinite(figure->second)) return;
  const std::vector<double> values = ValuesOf(history, limits.dev_figure);
  const auto now = FallOf(values, limits);
  if (!now || (values.size() > 1 && FallOf(Values(values).first(values.size() - 1), limits))) return;
  alarms->push_back({history.back().step, std::string(kDevFall), "", *now});
}

// The plan that has more than its share of the questions, if these are enough and of several types.
std::optional<std::string> CollapsedPlan(const Plans& plans, const AlarmLimits& limits) {
  std::map<std::string, int64_t> totals;
  int64_t questions = 0;
  for (const auto& [type, counts] : plans) {
    for (const auto& [plan, count] : counts) {
      totals[plan] += count;
      questions += count;
    }
  }
  if (plans.size() < 2 || questions < limits.plan_questions) return std::nullopt;
  for (const auto& [plan, count] : totals) {
    const double share = static_cast<double>(count) / static_cast<double>(questions);
    if (share <= limits.plan_share) continue;
    constexpr size_t kShown = 80;
    const std::string shown = plan.size() <= kShown ? plan : plan.substr(0, kShown) + "…";
    return fmt::format("{:.1f} % of {} questions get the plan `{}`", 100 * share, questions, shown);
  }
  return std::nullopt;
}

void CheckPlans(std::span<const StepRecord> history, const AlarmLimits& limits, std::vector<Alarm>* alarms) {
  const StepRecord& last = history.back();
  const auto now = CollapsedPlan(last.plans, limits);
  if (!now) return;
  for (size_t i = history.size() - 1; i-- > 0;) {
    if (history[i].plans.empty()) continue;
    if (CollapsedPlan(history[i].plans, limits)) return;
    break;
  }
  alarms->push_back({last.step, std::string(kPlanCollapse), "", *now});
}

std::set<std::string> NotFinite(const StepRecord& record) {
  std::set<std::string> tags;
  for (const auto& [tag, value] : record.scalars) {
    if (!std::isfinite(value)) tags.insert(tag);
  }
  return tags;
}

void CheckFinite(std::span<const StepRecord> history, std::vector<Alarm>* alarms) {
  const std::set<std::string> now = NotFinite(history.back());
  if (now.empty()) return;
  if (history.size() > 1 && !NotFinite(history[history.size() - 2]).empty()) return;
  const std::string text = now.size() == 1
                               ? fmt::format("`{}` is not finite", *now.begin())
                               : fmt::format("`{}` and {} more are not finite", *now.begin(), now.size() - 1);
  alarms->push_back({history.back().step, std::string(kNotFinite), "", text});
}

}  // namespace

std::vector<Alarm> NewAlarms(std::span<const StepRecord> history, const AlarmLimits& limits) {
  std::vector<Alarm> alarms;
  if (history.empty()) return alarms;
  CheckFinite(history, &alarms);
  for (const auto& [tag, value] : history.back().scalars) {
    if (std::isfinite(value)) CheckTag(history, tag, limits, &alarms);
  }
  CheckDevFigure(history, limits, &alarms);
  CheckPlans(history, limits, &alarms);
  return alarms;
}

}  // namespace jade::metrics
