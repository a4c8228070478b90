#pragma once
// What an import makes of one record of a dataset: a question in JADE's form (runtime/eval/questions.h) and the
// passages that came with it. Values; any thread.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace jade::datasets {

struct Passage {
  std::string title;
  std::string text;
};

struct Item {
  std::string id;  // empty: the dataset gives none
  std::string question;
  std::vector<std::string> answers;  // accepted ones, the first the dataset's own
  std::string type;
  std::vector<std::string> support;                                // titles of the passages that hold the evidence
  nlohmann::ordered_json more = nlohmann::ordered_json::object();  // further fields of the row
  std::vector<Passage> passages;
};

}  // namespace jade::datasets
