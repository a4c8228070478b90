#pragma once
// Question sets: JSONL of {"id", "question", "answer" or "answers"} and optionally "type" and "support" (titles).

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"

namespace jade::eval {

struct Question {
  std::string id;
  std::string question;
  std::vector<std::string> gold;  // accepted answers, at least one
  std::string type;               // "bridge", "comparison", …; empty when the file does not say
  std::vector<std::string> support;
  std::string row;  // the whole object, as JSON
};

// A field of the question's row by name, `plan.cheapest` for a field inside another: a text as it is, anything else as
// JSON. Fails when the row has no such field.
Result<std::string> RowField(const Question& question, const std::string& field);

// The first `limit` questions of the file (0: all). Fails with file and line.
Result<std::vector<Question>> LoadQuestions(const std::string& path, uint64_t limit);

}  // namespace jade::eval
