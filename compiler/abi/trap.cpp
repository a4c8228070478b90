#include "compiler/abi/trap.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

namespace jade::abi {

std::string_view TrapKindName(TrapKind kind) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "int_overflow", "division_by_zero", "index_out_of_range", "depth_budget",
      "call_budget",  "token_budget",     "time_budget",        "fuel",
      "memory",       "call_failed",      "cancelled"};
  return kNames[static_cast<size_t>(kind)];
}

bool IsBudgetTrap(TrapKind kind) {
  return kind == TrapKind::kDepthBudget || kind == TrapKind::kCallBudget || kind == TrapKind::kTokenBudget ||
         kind == TrapKind::kTimeBudget;
}

std::string Trap::ToString() const {
  std::string out;
  if (file != nullptr) {
    const source::LineColumn place = file->At(span.begin);
    out = fmt::format("{}:{}:{}: ", file->name(), place.line, place.column);
  }
  out += message;
  if (!call_path.empty()) out += fmt::format(" (in {})", call_path);
  return out;
}

std::string Trap::ToJson() const {
  nlohmann::ordered_json json;
  json["kind"] = TrapKindName(kind);
  json["message"] = message;
  if (file != nullptr) {
    const source::LineColumn place = file->At(span.begin);
    json["file"] = file->name();
    json["line"] = place.line;
    json["column"] = place.column;
  }
  if (!call_path.empty()) json["path"] = call_path;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace jade::abi
