#include "runtime/metrics/history.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

#include "runtime/jsonl/jsonl.h"

namespace jade::metrics {
namespace {

using nlohmann::json;
using Records = std::map<int64_t, StepRecord>;

// Calls `take` with every object of the file that has a step up to `last_step`.
Status EachLine(const std::string& path, int64_t last_step,
                const std::function<void(int64_t step, const json& line)>& take) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return {};
  JADE_ASSIGN_OR_RETURN(auto reader, jsonl::Reader::Open(path));
  json line;
  while (true) {
    const Result<bool> more = reader.Next(&line);
    if (!more.ok() && more.error().code() == ErrorCode::kIo) return more.error();
    if (!more.ok()) continue;
    if (!*more) return {};
    const auto step = line.find("step");
    if (step == line.end() || !step->is_number_integer() || step->get<int64_t>() > last_step) continue;
    take(step->get<int64_t>(), line);
  }
}

void TakeScalars(const json& line, bool is_dev, Scalars* scalars) {
  const auto values = line.find("scalars");
  if (values == line.end() || !values->is_object()) return;
  for (const auto& [tag, value] : values->items()) {
    if (tag.starts_with("dev/") != is_dev) continue;
    if (value.is_number()) (*scalars)[tag] = value.get<double>();
    if (value.is_null()) (*scalars)[tag] = std::nan("");
  }
}

void TakePlans(const json& line, Plans* plans) {
  const auto split = line.find("split");
  if (split == line.end() || !split->is_string() || split->get<std::string>() != "train") return;
  const auto types = line.find("plans");
  if (types == line.end() || !types->is_object()) return;
  for (const auto& [type, counts] : types->items()) {
    if (!counts.is_object()) continue;
    for (const auto& [plan, count] : counts.items()) {
      if (count.is_number_integer()) (*plans)[type][plan] += count.get<int64_t>();
    }
  }
}

// Those that have figures, in order.
std::vector<StepRecord> InOrder(const Records& records) {
  std::vector<StepRecord> history;
  for (const auto& [step, of] : records) {
    if (of.scalars.empty()) continue;
    history.push_back(of);
    history.back().step = step;
  }
  return history;
}

}  // namespace

Result<History> ReadHistory(const std::string& folder, int64_t last_step) {
  Records steps, evaluations;
  JADE_TRY(EachLine(fmt::format("{}/{}", folder, kMetricsFile), last_step, [&](int64_t step, const json& line) {
    TakeScalars(line, /*is_dev=*/false, &steps[step].scalars);
    TakeScalars(line, /*is_dev=*/true, &evaluations[step].scalars);
  }));
  JADE_TRY(EachLine(fmt::format("{}/{}", folder, kPlansFile), last_step,
                    [&](int64_t step, const json& line) { TakePlans(line, &steps[step].plans); }));
  return History{InOrder(steps), InOrder(evaluations)};
}

}  // namespace jade::metrics
