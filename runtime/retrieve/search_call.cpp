#include "runtime/retrieve/search_call.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace jade::retrieve::internal {

Result<SearchCall> ReadSearchCall(const std::string& arguments, int max_k) {
  const nlohmann::json object = nlohmann::json::parse(arguments, nullptr, false);
  if (!object.is_object() || !object.contains("query") || !object["query"].is_string()) {
    return Error(ErrorCode::kInvalidArgument, "a retriever takes `query` (text) and optionally `k` (a number)");
  }
  int64_t k = max_k;
  if (const auto it = object.find("k"); it != object.end() && it->is_number_integer()) k = it->get<int64_t>();
  return SearchCall{object["query"].get<std::string>(), static_cast<int>(std::clamp<int64_t>(k, 0, max_k))};
}

}  // namespace jade::retrieve::internal
