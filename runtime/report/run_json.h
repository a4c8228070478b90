#pragma once
// Fields of the JSON objects of a run folder, taken leniently: what is absent or of another type is nothing.

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "compiler/result/result.h"
#include "runtime/metrics/run_files.h"

namespace jade::report {

std::optional<double> NumberIn(const nlohmann::json& object, const char* key);  // finite
std::optional<int64_t> IntegerIn(const nlohmann::json& object, const char* key);
std::string TextIn(const nlohmann::json& object, const char* key);  // empty when it is not there

// A name of a file, short enough for a message.
std::string Shorten(std::string_view name);

// A file that holds one JSON object of at most 16 MiB. kCorrupt names the place of the first mistake.
Result<nlohmann::json> ReadJsonObject(const std::string& path);

metrics::RunDescription DescriptionOf(const nlohmann::json& object);

}  // namespace jade::report
