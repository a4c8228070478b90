#include "runtime/report/run_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "runtime/report/html.h"

namespace jade::report {
namespace {

using nlohmann::json;

constexpr uintmax_t kMostBytes = 16ULL << 20U;

constexpr int kMostDepth = 8;

// A list of scalars as its JSON; what is nested deeper is only hinted at, since printing it would recurse.
std::string ListText(const json& list) {
  const bool flat = std::none_of(list.begin(), list.end(), [](const json& item) { return item.is_structured(); });
  return flat ? list.dump() : "[…]";
}

// Scalars as they are, nested objects flattened with dots.
void Flatten(const json& object, const std::string& prefix, int depth, std::map<std::string, metrics::Value>* out) {
  for (const auto& [key, value] : object.items()) {
    const std::string name = prefix + key;
    if (value.is_object() && depth < kMostDepth) {
      Flatten(value, name + ".", depth + 1, out);
    } else if (value.is_object()) {
      (*out)[name] = std::string("{…}");
    } else if (value.is_boolean()) {
      (*out)[name] = value.get<bool>();
    } else if (value.is_number_integer()) {
      (*out)[name] = value.get<int64_t>();
    } else if (value.is_number()) {
      (*out)[name] = value.get<double>();
    } else if (value.is_string()) {
      (*out)[name] = value.get<std::string>();
    } else {
      (*out)[name] = value.is_array() ? ListText(value) : value.dump();
    }
  }
}

std::map<std::string, metrics::Value> ValuesIn(const json& object, const char* key) {
  std::map<std::string, metrics::Value> values;
  if (const auto found = object.find(key); found != object.end() && found->is_object()) {
    Flatten(*found, "", 0, &values);
  }
  return values;
}

}  // namespace

std::optional<double> NumberIn(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const auto number = found->get<double>();
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<int64_t> IntegerIn(const json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<int64_t>();
}

std::string TextIn(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

std::string Shorten(std::string_view name) {
  return Shortened(name, 60);
}

Result<json> ReadJsonObject(const std::string& path) {
  std::error_code ec;
  const uintmax_t size = std::filesystem::file_size(path, ec);
  if (ec) return Error(ErrorCode::kNotFound, fmt::format("{}: cannot be read: {}", path, ec.message()));
  if (size > kMostBytes) return Error(ErrorCode::kCorrupt, fmt::format("{}: is larger than 16 MiB", path));
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  try {
    json object = json::parse(text);
    if (object.is_object()) return object;
  } catch (const json::parse_error& error) {
    const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte, text.size()));
    return Error(ErrorCode::kCorrupt, fmt::format("{}:{}: not JSON", path, 1 + std::count(text.begin(), end, '\n')));
  }
  return Error(ErrorCode::kCorrupt, fmt::format("{}: expected a JSON object", path));
}

metrics::RunDescription DescriptionOf(const json& object) {
  metrics::RunDescription about;
  about.name = TextIn(object, "name");
  about.started = TextIn(object, "started");
  about.arm = TextIn(object, "arm");
  about.model = TextIn(object, "model");
  about.workflow = TextIn(object, "workflow");
  about.data = TextIn(object, "data");
  if (const auto seed = object.find("seed"); seed != object.end() && seed->is_number_unsigned()) {
    about.seed = seed->get<uint64_t>();
  }
  about.config = ValuesIn(object, "config");
  about.machine = ValuesIn(object, "machine");
  return about;
}

}  // namespace jade::report
