#include "runtime/eval/score.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/source/suggest.h"

namespace jade::eval {
namespace {

using builtins::Normalisation;

bool IsYesNoNone(const std::string& normal) {
  return normal == "yes" || normal == "no" || normal == "noanswer";
}

double F1(std::string_view answer, const std::string& gold, const Scoring& scoring) {
  if (scoring.yes_no_whole || !scoring.empty_f1) {
    const std::string left = builtins::NormaliseAnswer(answer, scoring.form);
    const std::string right = builtins::NormaliseAnswer(gold, scoring.form);
    if (scoring.yes_no_whole && left != right && (IsYesNoNone(left) || IsYesNoNone(right))) return 0.0;
    if (!scoring.empty_f1 && left.empty() && right.empty()) return 0.0;
  }
  return builtins::TokenF1(answer, {gold}, scoring.form);
}

bool ContainsWritten(std::string_view answer, const std::string& gold) {
  if (gold.empty()) return false;
  return answer.find(gold) != std::string_view::npos ||
         answer.find(builtins::LowerCase(gold)) != std::string_view::npos ||
         answer.find(builtins::Capitalise(gold)) != std::string_view::npos;
}

}  // namespace

const std::vector<std::string>& ScriptNames() {
  static const std::vector<std::string> names{"squad",    "nq",    "popqa",   "ambigqa",
                                              "hotpotqa", "2wiki", "musique", "bamboogle"};
  return names;
}

Result<Scoring> ScriptScoring(std::string_view name) {
  const auto& names = ScriptNames();
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    const std::string hint = source::DidYouMean(name, names);
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("no script `{}`{}", name,
                             hint.empty() ? fmt::format(": there are {}", fmt::join(names, ", ")) : hint));
  }
  Scoring scoring(Normalisation::kSquad);
  scoring.decompose = name == "nq";
  scoring.yes_no_whole = name == "hotpotqa" || name == "2wiki";
  scoring.empty_f1 = name == "musique";
  scoring.contain_written = name == "popqa";
  return scoring;
}

Scores Score(std::string_view answer, const std::vector<std::string>& gold, const Scoring& scoring) {
  if (scoring.decompose) {
    std::vector<std::string> apart;
    apart.reserve(gold.size());
    for (const std::string& one : gold) apart.push_back(builtins::Decompose(one));
    Scoring plain = scoring;
    plain.decompose = false;
    return Score(builtins::Decompose(answer), apart, plain);
  }
  Scores scores;
  scores.em = builtins::ExactMatch(answer, gold, scoring.form);
  for (const std::string& one : gold) scores.f1 = std::max(scores.f1, F1(answer, one, scoring));
  scores.accuracy = builtins::Accuracy(answer, gold, scoring.form);
  if (scoring.contain_written) {
    const auto contained = [&](const std::string& one) { return ContainsWritten(answer, one); };
    scores.accuracy = std::any_of(gold.begin(), gold.end(), contained) ? 1.0 : 0.0;
  }
  return scores;
}

}  // namespace jade::eval
