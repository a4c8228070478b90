#include "runtime/retrieve/tool_call.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace jade::retrieve {

using nlohmann::json;

Result<Query> ParseArguments(const std::string& arguments, int max_k) {
  const json object = json::parse(arguments, nullptr, false);
  if (!object.is_object() || !object.contains("query") || !object["query"].is_string()) {
    return Error(ErrorCode::kInvalidArgument, "a retriever takes `query` (text) and optionally `k` (a number)");
  }
  int64_t k = max_k;
  if (const auto it = object.find("k"); it != object.end() && it->is_number_integer()) k = it->get<int64_t>();
  return Query{object["query"].get<std::string>(), static_cast<int>(std::clamp<int64_t>(k, 0, max_k))};
}

std::string PassagesJson(const std::vector<Passage>& passages) {
  json list = json::array();
  for (const Passage& p : passages) {
    list.push_back({{"id", p.id}, {"title", p.title}, {"text", p.text}, {"score", p.score}});
  }
  return list.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace jade::retrieve
