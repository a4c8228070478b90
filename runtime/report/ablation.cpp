#include "runtime/report/ablation.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "runtime/metrics/run_files.h"
#include "runtime/report/run_json.h"

namespace jade::report {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t kMostRows = 10'000;

// Calls `take` with each object of the list under `key`; what it does not take is a problem.
template <typename Take>
void ForEach(const json& object, const char* key, const std::string& path, std::vector<std::string>* problems,
             const Take& take) {
  const auto list = object.find(key);
  if (list == object.end()) return;
  if (!list->is_array() || list->size() > kMostRows) {
    problems->push_back(fmt::format("{}: `{}` must be a list of at most {} objects", path, key, kMostRows));
    return;
  }
  for (size_t i = 0; i < list->size(); ++i) {
    const json& item = (*list)[i];
    if (!item.is_object() || !take(item)) {
      problems->push_back(
          fmt::format("{}: `{}`: number {} lacks a field or has one of another type", path, key, i + 1));
    }
  }
}

}  // namespace

Result<Ablation> ReadAblation(const std::string& path, std::vector<std::string>* problems) {
  JADE_ASSIGN_OR_RETURN(const json object, ReadJsonObject(path));
  Ablation ablation;
  ForEach(object, "rows", path, problems, [&](const json& item) {
    AblationRow row;
    row.arm = TextIn(item, "arm");
    row.seed = IntegerIn(item, "seed").value_or(0);
    row.lr = NumberIn(item, "lr").value_or(kAbsent);
    row.dev_f1 = NumberIn(item, "dev_f1").value_or(kAbsent);
    row.test_f1 = NumberIn(item, "test_f1").value_or(kAbsent);
    row.test_em = NumberIn(item, "test_em").value_or(kAbsent);
    row.turns = NumberIn(item, "turns").value_or(kAbsent);
    row.retrievals = NumberIn(item, "retrievals").value_or(kAbsent);
    row.valid_min = NumberIn(item, "valid_min").value_or(kAbsent);
    const auto chosen = item.find("chosen");
    row.chosen = chosen != item.end() && chosen->is_boolean() && chosen->get<bool>();
    if (!row.arm.empty()) ablation.rows.push_back(row);
    return !row.arm.empty();
  });
  ForEach(object, "comparisons", path, problems, [&](const json& item) {
    const auto difference = NumberIn(item, "difference");
    const auto low = NumberIn(item, "low");
    const auto high = NumberIn(item, "high");
    if (!difference || !low || !high) return false;
    ablation.comparisons.push_back({TextIn(item, "a"), TextIn(item, "b"), *difference, *low, *high});
    return true;
  });
  return ablation;
}

std::string FindAblation(const std::vector<std::string>& folders) {
  std::error_code ec;
  for (const std::string& folder : folders) {
    for (const char* place : {".", ".."}) {
      const fs::path path = fs::path(folder) / place / metrics::kAblationFile;
      if (fs::is_regular_file(path, ec)) return path.lexically_normal().string();
    }
  }
  return "";
}

}  // namespace jade::report
