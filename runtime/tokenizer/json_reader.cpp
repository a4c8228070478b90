#include "runtime/tokenizer/json_reader.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/source/source.h"

namespace jade::tokenizer::internal {

std::string JsonProblem(std::string_view text) {
  try {
    const Json parsed = Json::parse(text);
    (void)parsed;
  } catch (const nlohmann::json::parse_error& error) {
    const std::string_view before = text.substr(0, std::min(error.byte, text.size()));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    return fmt::format("not valid JSON at line {}, byte {} of {}", line, error.byte, text.size());
  } catch (const nlohmann::json::exception&) {
  }
  return "not valid JSON";
}

Result<std::string> ReadTextFile(const std::string& path, uint64_t max_bytes) {
  return source::ReadFile(path, max_bytes);
}

}  // namespace jade::tokenizer::internal
