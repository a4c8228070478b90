#pragma once
// One function a dataset: from a record, as its authors publish it, to a question. An empty result: the record has no
// answer by design and is left out. Errors name the field. Pure functions.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/datasets/item.h"

namespace jade::datasets {

using MaybeItem = Result<std::optional<Item>>;

// NQ-open (Lee et al. 2019): {"question", "answer": […]}, no ids; AmbigQA's copy of it has "id".
MaybeItem NqItem(const nlohmann::json& record);

// PopQA (Mallen et al. 2023): a table; `possible_answers` is a JSON list, `prop` the kind of question, `s_wiki_title`
// the article about the subject, `s_pop` its page views.
MaybeItem PopQaItem(const nlohmann::json& record);

// AmbigQA (Min et al. 2020), full or light: {"id", "question", "annotations"}. Every answer of every annotation and of
// every reading of the question is accepted; `type` tells `single` from `multiple`, as the authors' script does.
MaybeItem AmbigQaItem(const nlohmann::json& record);

// HotpotQA (Yang et al. 2018): {"_id", "question", "answer", "type", "level", "supporting_facts", "context"}.
MaybeItem HotpotQaItem(const nlohmann::json& record);

// Other names of Wikidata entities, by id ("Q42").
using Aliases = std::unordered_map<std::string, std::vector<std::string>>;

// id_aliases.json of 2WikiMultihopQA: {"Q_id", "aliases", "demonyms"} a line; both count as names.
Result<Aliases> ReadAliases(const std::string& path);

// 2WikiMultihopQA (Ho et al. 2020): HotpotQA's form and `answer_id`, whose aliases are accepted too.
MaybeItem WikiItem(const nlohmann::json& record, const Aliases& aliases);

// MuSiQue (Trivedi et al. 2022): {"id", "question", "answer", "answer_aliases", "answerable", "paragraphs",
// "question_decomposition"}. The type is that of the question's graph: 2hop, 3hop1, 3hop2, 4hop1, … What cannot be
// answered is left out.
MaybeItem MusiqueItem(const nlohmann::json& record);

// Bamboogle (Press et al. 2023): a table `Question,,,,Answer,Answer 2`, the last column mostly empty, or a JSON list.
MaybeItem BamboogleItem(const nlohmann::json& record);

// Which fields hold what; `plan.best` is a field inside a field. An empty id: records have none.
struct FieldNames {
  std::string question = "question";
  std::string answer = "answer";
  std::string id;
};

// Any other file: the answer is a text or a list of texts. `type`, `support` and whatever else is a text, a number or a
// list of them is kept as it is.
MaybeItem MappedItem(const nlohmann::json& record, const FieldNames& names);

}  // namespace jade::datasets
