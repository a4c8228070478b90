#pragma once
// What `jade eval --rows` writes of each question, and `jade eval --compare` reads: one JSON object a line.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/eval/questions.h"
#include "runtime/eval/score.h"
#include "runtime/eval/summary.h"

namespace jade::eval {

// The row of a question that was answered (or not), without the end of line: {"id", "question", "type", "gold",
// "answer", "status", "em", "f1", "accuracy", "turns", "retrievals", "tokens", "run"}.
std::string RowJson(const Question& question, const Outcome& outcome, const Scores& scores);

// What can be compared of a row, in the order of MeasureNames.
struct Row {
  std::string id;
  std::string question;
  std::vector<double> measures;
};

// "em", "f1", "accuracy", "turns", "retrievals", "tokens".
const std::vector<std::string>& MeasureNames();

// The rows of a file. Fails with file and line on what is not a row, and on an id that stands in it twice.
Result<std::vector<Row>> LoadRows(const std::string& path);

}  // namespace jade::eval
