#pragma once
// What the readers of JSON files here share. Internal: it includes nlohmann_json, so only .cpp files include it.

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "compiler/result/result.h"

namespace jade::tokenizer::internal {

using Json = nlohmann::json;

// The member, or null when `json` is not an object or has no such member.
inline const Json* Field(const Json& json, const char* name) {
  if (!json.is_object()) return nullptr;
  const auto it = json.find(name);
  return it == json.end() ? nullptr : &*it;
}

// Why `text` is not JSON, with line and column. For text that failed to parse.
std::string JsonProblem(std::string_view text);

// A whole file: kNotFound, kIo, or kInvalidArgument above `max_bytes`.
Result<std::string> ReadTextFile(const std::string& path, uint64_t max_bytes);

}  // namespace jade::tokenizer::internal
