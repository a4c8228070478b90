#pragma once
// The scores of one answer: as a run's settings say, or as the script does it that a dataset's authors publish
// (docs/metrics.md). Pure functions; any thread.

#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/builtins/metrics.h"

namespace jade::eval {

struct Scores {
  double em = 0;        // 1 or 0
  double f1 = 0;        // 0 to 1
  double accuracy = 0;  // 1 or 0
};

// What the scripts differ in. A normalisation alone scores as the functions of the language do.
struct Scoring {
  Scoring(builtins::Normalisation normalisation) : form(normalisation) {}  // NOLINT: implicit by design

  builtins::Normalisation form;
  bool decompose = false;     // letters and marks are taken apart (NFD) before anything else
  bool yes_no_whole = false;  // F1: `yes`, `no` and `noanswer` overlap only with their like
  bool empty_f1 = true;       // F1 of answer and gold answer that normalise to nothing: 1, else 0
  bool contain_written =
      false;  // accuracy: the gold answer is searched as it is written, in lower case, or capitalised
};

// The scripts' names: "squad", "nq", "popqa", "ambigqa", "hotpotqa", "2wiki", "musique", "bamboogle".
const std::vector<std::string>& ScriptNames();

// Fails with the names there are.
Result<Scoring> ScriptScoring(std::string_view name);

// The best over the gold answers, each score on its own.
Scores Score(std::string_view answer, const std::vector<std::string>& gold, const Scoring& scoring);

}  // namespace jade::eval
