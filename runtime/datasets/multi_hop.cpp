// Datasets that bring their passages: HotpotQA, 2WikiMultihopQA in the same form, MuSiQue.

#include <fmt/format.h>

#include <unordered_map>

#include "runtime/datasets/converters.h"
#include "runtime/datasets/fields.h"
#include "runtime/jsonl/jsonl.h"

namespace jade::datasets {
namespace {

using nlohmann::json;

Error Wrong(std::string_view message) {
  return Error(ErrorCode::kInvalidArgument, std::string(message));
}

// [title, x] of `context` or `supporting_facts`.
bool IsTitled(const json& pair) {
  return pair.is_array() && pair.size() == 2 && pair.front().is_string();
}

Result<std::string> AnswerOf(const json& record) {
  if (Find(record, {"answer"}) == nullptr) {
    return Wrong("it lacks `answer`: a test set without answers cannot be imported, take the development set");
  }
  return Text(record, {"answer"});
}

Status ReadSupport(const json& record, Item* item) {
  JADE_ASSIGN_OR_RETURN(const json* facts, Need(record, {"supporting_facts"}));
  if (!facts->is_array()) return Wrong("`supporting_facts` must be a list of [title, sentence]");
  for (const json& fact : *facts) {
    if (!IsTitled(fact)) return Wrong("`supporting_facts` must be a list of [title, sentence]");
    item->support.push_back(fact.front().get<std::string>());
  }
  return {};
}

Status ReadContext(const json& record, Item* item) {
  constexpr const char* kForm = "`context` must be a list of [title, sentences]";
  JADE_ASSIGN_OR_RETURN(const json* context, Need(record, {"context"}));
  if (!context->is_array()) return Wrong(kForm);
  for (const json& paragraph : *context) {
    if (!IsTitled(paragraph) || !paragraph.back().is_array()) return Wrong(kForm);
    JADE_ASSIGN_OR_RETURN(const auto sentences, Texts(paragraph.back(), "context"));
    item->passages.push_back({paragraph.front().get<std::string>(), JoinSentences(sentences)});
  }
  return {};
}

Result<Item> HotpotForm(const json& record) {
  Item item;
  JADE_ASSIGN_OR_RETURN(item.id, Text(record, {"_id", "id"}));
  JADE_ASSIGN_OR_RETURN(item.question, Text(record, {"question"}));
  JADE_ASSIGN_OR_RETURN(std::string answer, AnswerOf(record));
  item.answers.push_back(std::move(answer));
  item.type = TextIfAny(record, "type");
  JADE_TRY(ReadSupport(record, &item));
  JADE_TRY(ReadContext(record, &item));
  return item;
}

using TitlesByIndex = std::unordered_map<uint64_t, std::string>;

// Titles are told apart by the paragraphs' `idx`; one without it has the index of its place.
Status ReadParagraphs(const json& record, Item* item, TitlesByIndex* titles) {
  JADE_ASSIGN_OR_RETURN(const json* paragraphs, Need(record, {"paragraphs"}));
  if (!paragraphs->is_array()) return Wrong("`paragraphs` must be a list");
  for (const json& paragraph : *paragraphs) {
    if (!paragraph.is_object()) return Wrong("`paragraphs` must be a list of objects");
    JADE_TRY(Need(paragraph, {"paragraph_text"}));
    std::string title = TextIfAny(paragraph, "title");
    std::string text = TextIfAny(paragraph, "paragraph_text");
    const json* supporting = Find(paragraph, {"is_supporting"});
    if (supporting == nullptr || !supporting->is_boolean()) return Wrong("`is_supporting` must be true or false");
    if (supporting->get<bool>()) item->support.push_back(title);
    const json* index = Find(paragraph, {"idx"});
    const bool given = index != nullptr && index->is_number_unsigned();
    titles->emplace(given ? index->get<uint64_t>() : item->passages.size(), title);
    item->passages.push_back({std::move(title), std::move(text)});
  }
  return {};
}

// The single-hop questions in order, with the title of the paragraph that answers each.
Status ReadSteps(const json& record, const TitlesByIndex& titles, Item* item) {
  const json* steps = Find(record, {"question_decomposition"});
  if (steps == nullptr) return {};
  if (!steps->is_array()) return Wrong("`question_decomposition` must be a list");
  auto& out = item->more["steps"] = nlohmann::ordered_json::array();
  for (const json& step : *steps) {
    if (!step.is_object()) return Wrong("`question_decomposition` must be a list of objects");
    nlohmann::ordered_json row;
    row["asked"] = TextIfAny(step, "question");
    row["answer"] = TextIfAny(step, "answer");
    if (const json* at = Find(step, {"paragraph_support_idx"}); at != nullptr) {
      const auto title = at->is_number_unsigned() ? titles.find(at->get<uint64_t>()) : titles.end();
      if (title == titles.end()) return Wrong("`paragraph_support_idx` must be the `idx` of a paragraph");
      row["support"] = title->second;
    }
    out.push_back(std::move(row));
  }
  return {};
}

}  // namespace

MaybeItem HotpotQaItem(const json& record) {
  JADE_ASSIGN_OR_RETURN(Item item, HotpotForm(record));
  std::string level = TextIfAny(record, "level");
  if (!level.empty()) item.more["level"] = std::move(level);
  return std::optional(std::move(item));
}

Result<Aliases> ReadAliases(const std::string& path) {
  JADE_ASSIGN_OR_RETURN(auto reader, jsonl::Reader::Open(path));
  Aliases aliases;
  json line;
  while (true) {
    JADE_ASSIGN_OR_RETURN(const bool more, reader.Next(&line));
    if (!more) break;
    JADE_ASSIGN_OR_RETURN(const std::string id, jsonl::TextField(reader, line, "Q_id"));
    auto& names = aliases[id];
    for (const char* field : {"aliases", "demonyms"}) {
      const json* list = Find(line, {field});
      if (list == nullptr) return reader.ErrorHere(fmt::format("the object lacks `{}`", field));
      auto texts = Texts(*list, field);
      if (!texts.ok()) return reader.ErrorHere(texts.error().message());
      names.insert(names.end(), texts->begin(), texts->end());
    }
  }
  return aliases;
}

MaybeItem WikiItem(const json& record, const Aliases& aliases) {
  JADE_ASSIGN_OR_RETURN(Item item, HotpotForm(record));
  const json* id = Find(record, {"answer_id"});
  if (id != nullptr && id->is_string()) {
    const auto known = aliases.find(id->get_ref<const std::string&>());
    if (known != aliases.end()) {
      item.answers.insert(item.answers.end(), known->second.begin(), known->second.end());
    }
  }
  return std::optional(std::move(item));
}

MaybeItem MusiqueItem(const json& record) {
  Item item;
  JADE_ASSIGN_OR_RETURN(item.id, Text(record, {"id"}));
  if (const json* answerable = Find(record, {"answerable"}); answerable != nullptr) {
    if (!answerable->is_boolean()) return Wrong("`answerable` must be true or false");
    if (!answerable->get<bool>()) return std::optional<Item>();
  }
  JADE_ASSIGN_OR_RETURN(item.question, Text(record, {"question"}));
  JADE_ASSIGN_OR_RETURN(std::string answer, AnswerOf(record));
  item.answers.push_back(std::move(answer));
  if (const json* list = Find(record, {"answer_aliases"}); list != nullptr) {
    JADE_ASSIGN_OR_RETURN(const auto others, Texts(*list, "answer_aliases"));
    item.answers.insert(item.answers.end(), others.begin(), others.end());
  }
  const size_t graph = item.id.find("__");
  if (graph != std::string::npos) item.type = item.id.substr(0, graph);
  TitlesByIndex titles;
  JADE_TRY(ReadParagraphs(record, &item, &titles));
  JADE_TRY(ReadSteps(record, titles, &item));
  return std::optional(std::move(item));
}

}  // namespace jade::datasets
