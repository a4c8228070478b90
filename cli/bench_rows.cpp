#include "cli/bench_rows.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace jade::cli {
namespace {

void PrintJson(const std::vector<bench::EngineRow>& rows) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const bench::EngineRow& row : rows) {
    nlohmann::ordered_json object{{"name", row.name}, {"value", row.value}, {"unit", row.unit}};
    object["best"] = row.Best();
    object["samples"] = row.samples;
    if (row.limit > 0) {
      object["limit"] = row.limit;
      object["limit_by"] = row.limit_by;
      object["of_limit"] = row.ShareOfLimit();
    }
    if (!row.note.empty()) object["note"] = row.note;
    list.push_back(std::move(object));
  }
  fmt::print("{}\n", list.dump());
}

void PrintTable(const std::vector<bench::EngineRow>& rows) {
  for (const bench::EngineRow& row : rows) {
    std::string line = fmt::format("{:<34} {:>14.2f} {:<9}", row.name, row.value, row.unit);
    if (row.samples.size() > 1) line += fmt::format(" best {:.2f}", row.Best());
    if (row.limit > 0) {
      line += fmt::format("  {:.0f} % of {:.0f}, by {}", 100 * row.ShareOfLimit(), row.limit, row.limit_by);
    }
    if (!row.note.empty()) line += fmt::format("  [{}]", row.note);
    fmt::print("{}\n", line);
  }
}

}  // namespace

void PrintRows(const std::vector<bench::EngineRow>& rows, const std::string& title, bool json) {
  if (json) {
    PrintJson(rows);
  } else {
    fmt::print("{}\n", title);
    PrintTable(rows);
  }
}

}  // namespace jade::cli
