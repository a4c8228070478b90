#pragma once
// What tests of generated files have in common.

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace jade::data {

inline const std::string kFacts = std::string(JADE_SOURCE_DIR) + "/data/atlas";

inline std::vector<nlohmann::json> Lines(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace jade::data
