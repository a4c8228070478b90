// Datasets of questions alone: NQ-open, PopQA, AmbigQA, Bamboogle.

#include <fmt/format.h>

#include <cstdlib>

#include "runtime/datasets/converters.h"
#include "runtime/datasets/fields.h"

namespace jade::datasets {
namespace {

using nlohmann::json;

Error Unanswered() {
  return Error(ErrorCode::kInvalidArgument,
               "it lacks `answer`: a test set without answers cannot be imported, take the development set");
}

// All answers of one annotation.
Status ReadAnnotation(const json& annotation, Item* item, bool* single) {
  JADE_ASSIGN_OR_RETURN(const std::string type, Text(annotation, {"type"}));
  const auto take = [&](const json& holder) -> Status {
    JADE_ASSIGN_OR_RETURN(const json* answer, Need(holder, {"answer"}));
    JADE_ASSIGN_OR_RETURN(std::vector<std::string> texts, Texts(*answer, "answer"));
    item->answers.insert(item->answers.end(), std::move_iterator(texts.begin()), std::move_iterator(texts.end()));
    return {};
  };
  if (type == "singleAnswer") {
    *single = true;
    return take(annotation);
  }
  if (type != "multipleQAs") {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`annotations`: the type must be `singleAnswer` or `multipleQAs`, not `{}`", type));
  }
  JADE_ASSIGN_OR_RETURN(const json* pairs, Need(annotation, {"qaPairs"}));
  if (!pairs->is_array()) return Error(ErrorCode::kInvalidArgument, "`qaPairs` must be a list");
  for (const json& pair : *pairs) {
    if (!pair.is_object()) return Error(ErrorCode::kInvalidArgument, "`qaPairs` must be a list of objects");
    JADE_TRY(take(pair));
  }
  return {};
}

}  // namespace

MaybeItem NqItem(const json& record) {
  Item item;
  item.id = TextIfAny(record, "id");
  JADE_ASSIGN_OR_RETURN(item.question, Text(record, {"question"}));
  const json* answer = Find(record, {"answer", "answers"});
  if (answer == nullptr) return Unanswered();
  JADE_ASSIGN_OR_RETURN(item.answers, Texts(*answer, "answer"));
  return std::optional(std::move(item));
}

MaybeItem PopQaItem(const json& record) {
  Item item;
  item.id = TextIfAny(record, "id");
  JADE_ASSIGN_OR_RETURN(item.question, Text(record, {"question"}));
  JADE_ASSIGN_OR_RETURN(const json* answers, Need(record, {"possible_answers"}));
  JADE_ASSIGN_OR_RETURN(item.answers, TextsInText(*answers, "possible_answers"));
  item.type = TextIfAny(record, "prop");
  item.support.push_back(TextIfAny(record, "s_wiki_title"));
  const std::string views = TextIfAny(record, "s_pop");
  if (!views.empty()) item.more["popularity"] = std::strtoll(views.c_str(), nullptr, 10);
  return std::optional(std::move(item));
}

MaybeItem AmbigQaItem(const json& record) {
  Item item;
  item.id = TextIfAny(record, "id");
  JADE_ASSIGN_OR_RETURN(item.question, Text(record, {"question"}));
  const json* annotations = Find(record, {"annotations"});
  if (annotations == nullptr) return Unanswered();
  if (!annotations->is_array()) return Error(ErrorCode::kInvalidArgument, "`annotations` must be a list");
  bool single = false;
  for (const json& annotation : *annotations) {
    if (!annotation.is_object()) return Error(ErrorCode::kInvalidArgument, "`annotations` must be a list of objects");
    JADE_TRY(ReadAnnotation(annotation, &item, &single));
  }
  item.type = single ? "single" : "multiple";
  return std::optional(std::move(item));
}

MaybeItem BamboogleItem(const json& record) {
  Item item;
  item.id = TextIfAny(record, "id");
  JADE_ASSIGN_OR_RETURN(item.question, Text(record, {"Question", "question"}));
  JADE_ASSIGN_OR_RETURN(const json* answer, Need(record, {"Answer", "answer", "answers"}));
  JADE_ASSIGN_OR_RETURN(item.answers, Texts(*answer, "Answer"));
  item.answers.push_back(TextIfAny(record, "Answer 2"));
  return std::optional(std::move(item));
}

}  // namespace jade::datasets
