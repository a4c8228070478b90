#include "runtime/eval/questions.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/jsonl/jsonl.h"

namespace jade::eval {
namespace {

using nlohmann::json;

Status ReadTexts(const jsonl::Reader& reader, const json& object, const char* key, std::vector<std::string>* out) {
  const auto it = object.find(key);
  if (it == object.end()) return {};
  if (!it->is_array()) return reader.ErrorHere(fmt::format("`{}` must be a list of texts", key));
  for (const auto& item : *it) {
    if (!item.is_string()) return reader.ErrorHere(fmt::format("`{}` must be a list of texts", key));
    out->push_back(item.get<std::string>());
  }
  return {};
}

Result<Question> ReadQuestion(const jsonl::Reader& reader, const json& object) {
  Question question;
  JADE_ASSIGN_OR_RETURN(question.id, jsonl::TextField(reader, object, "id"));
  JADE_ASSIGN_OR_RETURN(question.question, jsonl::TextField(reader, object, "question"));
  JADE_TRY(ReadTexts(reader, object, "answers", &question.gold));
  JADE_TRY(ReadTexts(reader, object, "support", &question.support));
  if (question.gold.empty()) {
    JADE_ASSIGN_OR_RETURN(std::string answer, jsonl::TextField(reader, object, "answer"));
    question.gold.push_back(std::move(answer));
  }
  if (object.contains("type")) {
    JADE_ASSIGN_OR_RETURN(question.type, jsonl::TextField(reader, object, "type"));
  }
  question.row = object.dump();
  return question;
}

}  // namespace

Result<std::string> RowField(const Question& question, const std::string& field) {
  const json row = json::parse(question.row);
  const json* at = &row;
  for (size_t begin = 0; begin <= field.size();) {
    const size_t end = std::min(field.find('.', begin), field.size());
    const auto it = at->is_object() ? at->find(field.substr(begin, end - begin)) : at->end();
    if (it == at->end()) {
      return Error(ErrorCode::kNotFound, fmt::format("question `{}` has no field `{}`", question.id, field));
    }
    at = &*it;
    begin = end + 1;
  }
  return at->is_string() ? at->get<std::string>() : at->dump();
}

Result<std::vector<Question>> LoadQuestions(const std::string& path, uint64_t limit) {
  JADE_ASSIGN_OR_RETURN(auto reader, jsonl::Reader::Open(path));
  std::vector<Question> questions;
  json object;
  while (limit == 0 || questions.size() < limit) {
    JADE_ASSIGN_OR_RETURN(const bool more, reader.Next(&object));
    if (!more) break;
    JADE_ASSIGN_OR_RETURN(auto question, ReadQuestion(reader, object));
    questions.push_back(std::move(question));
  }
  if (questions.empty()) return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` holds no questions", path));
  return questions;
}

}  // namespace jade::eval
