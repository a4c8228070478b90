#include "runtime/datasets/fields.h"

#include <fmt/format.h>

#include <unordered_set>

namespace jade::datasets {
namespace {

using nlohmann::json;

constexpr size_t kShownBytes = 80;  // of the names of fields in an error

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\n\r") == std::string_view::npos;
}

Error Wrong(std::string_view name, std::string_view expected) {
  return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` must be {}", name, expected));
}

}  // namespace

const json* Find(const json& record, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto it = record.find(name);
    if (it != record.end() && !it->is_null()) return &*it;
  }
  return nullptr;
}

Result<const json*> Need(const json& record, std::initializer_list<const char*> names) {
  if (const json* found = Find(record, names); found != nullptr) return found;
  std::string there;
  for (const auto& field : record.items()) {
    if (there.size() > kShownBytes) {
      there += ", …";
      break;
    }
    there += fmt::format("{}`{}`", there.empty() ? "" : ", ", field.key());
  }
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("it lacks `{}`; it has {}", *names.begin(), there.empty() ? "no fields" : there));
}

Result<std::string> TextOf(const json& value, std::string_view name) {
  if (value.is_number_integer()) return value.dump();
  if (!value.is_string()) return Wrong(name, "text");
  if (IsBlank(value.get_ref<const std::string&>())) return Wrong(name, "more than white space");
  return value.get<std::string>();
}

Result<std::string> Text(const json& record, std::initializer_list<const char*> names) {
  JADE_ASSIGN_OR_RETURN(const json* value, Need(record, names));
  return TextOf(*value, *names.begin());
}

std::string TextIfAny(const json& record, const char* name) {
  const json* value = Find(record, {name});
  if (value == nullptr) return {};
  if (value->is_number_integer()) return value->dump();
  return value->is_string() ? value->get<std::string>() : std::string();
}

Result<std::vector<std::string>> Texts(const json& value, std::string_view name) {
  if (value.is_string()) return std::vector<std::string>{value.get<std::string>()};
  if (!value.is_array()) return Wrong(name, "a text or a list of texts");
  std::vector<std::string> texts;
  texts.reserve(value.size());
  for (const json& one : value) {
    if (!one.is_string()) return Wrong(name, "a text or a list of texts");
    texts.push_back(one.get<std::string>());
  }
  return texts;
}

Result<std::vector<std::string>> TextsInText(const json& value, std::string_view name) {
  if (!value.is_string()) return Texts(value, name);
  const json list = json::parse(value.get_ref<const std::string&>(), nullptr, /*allow_exceptions=*/false);
  if (!list.is_array()) return Wrong(name, "a JSON list of texts");
  return Texts(list, name);
}

std::vector<std::string> Distinct(std::vector<std::string> texts) {
  std::unordered_set<std::string> seen;
  std::vector<std::string> kept;
  for (std::string& text : texts) {
    if (!IsBlank(text) && seen.insert(text).second) kept.push_back(std::move(text));
  }
  return kept;
}

std::string JoinSentences(const std::vector<std::string>& sentences) {
  std::string text;
  for (const std::string& sentence : sentences) {
    if (!text.empty() && !sentence.empty() && !IsSpace(text.back()) && !IsSpace(sentence.front())) text += ' ';
    text += sentence;
  }
  const size_t begin = text.find_first_not_of(" \t\n\r");
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\n\r") + 1 - begin);
}

}  // namespace jade::datasets
