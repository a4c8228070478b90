// Files of no known dataset, by the names of their fields.

#include <fmt/format.h>

#include <algorithm>

#include "compiler/source/suggest.h"
#include "runtime/datasets/converters.h"
#include "runtime/datasets/fields.h"

namespace jade::datasets {
namespace {

using nlohmann::json;

Result<const json*> Field(const json& record, const std::string& path) {
  const json* at = &record;
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    const std::string name = path.substr(begin, end - begin);
    const auto it = at->is_object() ? at->find(name) : at->end();
    if (it == at->end()) {
      std::vector<std::string> names;
      if (at->is_object()) {
        for (const auto& field : at->items()) names.push_back(field.key());
      }
      return Error(ErrorCode::kInvalidArgument, fmt::format("it lacks `{}`{}", path, source::DidYouMean(name, names)));
    }
    at = &*it;
    begin = end + 1;
  }
  return at;
}

Result<std::string> TextAt(const json& record, const std::string& path) {
  JADE_ASSIGN_OR_RETURN(const json* value, Field(record, path));
  return TextOf(*value, path);
}

bool IsPlain(const json& value) {
  const auto primitive = [](const json& one) { return one.is_primitive(); };
  return value.is_primitive() || (value.is_array() && std::all_of(value.begin(), value.end(), primitive));
}

// What the row keeps of the other fields: texts, numbers, and lists of them.
void KeepOthers(const json& record, const FieldNames& names, Item* item) {
  item->type = TextIfAny(record, "type");
  if (const json* support = Find(record, {"support"}); support != nullptr) {
    if (auto titles = Texts(*support, "support"); titles.ok()) item->support = *std::move(titles);
  }
  for (const auto& field : record.items()) {
    const std::string& name = field.key();
    const bool written = name == "id" || name == "question" || name == "answer" || name == "answers" ||
                         name == "type" || name == "support" || name == names.question || name == names.answer ||
                         name == names.id;
    if (!written && IsPlain(field.value())) item->more[name] = field.value();
  }
}

}  // namespace

MaybeItem MappedItem(const json& record, const FieldNames& names) {
  Item item;
  JADE_ASSIGN_OR_RETURN(item.question, TextAt(record, names.question));
  JADE_ASSIGN_OR_RETURN(const json* answer, Field(record, names.answer));
  if (answer->is_number_integer()) {
    item.answers.push_back(answer->dump());
  } else {
    JADE_ASSIGN_OR_RETURN(item.answers, Texts(*answer, names.answer));
  }
  if (!names.id.empty()) {
    JADE_ASSIGN_OR_RETURN(item.id, TextAt(record, names.id));
  }
  KeepOthers(record, names, &item);
  return std::optional(std::move(item));
}

}  // namespace jade::datasets
