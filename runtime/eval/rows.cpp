#include "runtime/eval/rows.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "runtime/jsonl/jsonl.h"
#include "runtime/trace/store.h"

namespace jade::eval {
namespace {

using nlohmann::json;

Result<Row> ReadRow(const jsonl::Reader& reader, const json& object) {
  Row row;
  JADE_ASSIGN_OR_RETURN(row.id, jsonl::TextField(reader, object, "id"));
  JADE_ASSIGN_OR_RETURN(row.question, jsonl::TextField(reader, object, "question"));
  for (const std::string& name : MeasureNames()) {
    const auto it = object.find(name);
    if (it == object.end()) {
      return reader.ErrorHere(fmt::format("the row lacks `{}`: write the file with `jade eval --rows`", name));
    }
    const double value = it->is_number() ? it->get<double>() : std::nan("");
    if (!std::isfinite(value)) return reader.ErrorHere(fmt::format("`{}` must be a number", name));
    row.measures.push_back(value);
  }
  return row;
}

}  // namespace

const std::vector<std::string>& MeasureNames() {
  static const std::vector<std::string> names{"em", "f1", "accuracy", "turns", "retrievals", "tokens"};
  return names;
}

std::string RowJson(const Question& question, const Outcome& outcome, const Scores& scores) {
  const json row{{"id", question.id},
                 {"question", question.question},
                 {"type", question.type},
                 {"gold", question.gold},
                 {"answer", outcome.answer},
                 {"status", trace::RunStatusName(outcome.run.status)},
                 {"em", scores.em},
                 {"f1", scores.f1},
                 {"accuracy", scores.accuracy},
                 {"turns", outcome.run.turns},
                 {"retrievals", outcome.run.retrievals},
                 {"tokens", outcome.run.tokens},
                 {"run", outcome.run.id}};
  return row.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<std::vector<Row>> LoadRows(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(auto reader, jsonl::Reader::Open(path));
  std::vector<Row> rows;
  std::unordered_set<std::string> ids;
  json object;
  while (true) {
    JADE_ASSIGN_OR_RETURN(const bool more, reader.Next(&object));
    if (!more) break;
    JADE_ASSIGN_OR_RETURN(Row row, ReadRow(reader, object));
    if (!ids.insert(row.id).second) return reader.ErrorHere(fmt::format("question `{}` stands here twice", row.id));
    rows.push_back(std::move(row));
  }
  if (rows.empty()) return Error(ErrorCode::kInvalidArgument, fmt::format("`{}` holds no rows", path));
  return rows;
}

}  // namespace jade::eval
