// Against scores computed by scripts/fixtures/metrics.py, a plain Python version of the official scripts.

#include "runtime/eval/score.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

namespace jade::eval {
namespace {

Scoring ByName(const std::string& name) {
  return name == "jade" ? Scoring(builtins::Normalisation::kJade) : ScriptScoring(name).value();
}

TEST(Score, AgreesWithTheScripts) {
  std::ifstream lines(JADE_SOURCE_DIR "/tests/fixtures/metrics/scores.jsonl");
  std::map<std::string, int> cases;
  for (std::string line; std::getline(lines, line);) {
    const auto expected = nlohmann::json::parse(line);
    const auto script = expected["script"].get<std::string>();
    const Scores scores =
        Score(expected["answer"].get<std::string>(), expected["gold"].get<std::vector<std::string>>(), ByName(script));
    EXPECT_DOUBLE_EQ(scores.em, expected["em"].get<double>()) << line;
    EXPECT_DOUBLE_EQ(scores.f1, expected["f1"].get<double>()) << line;
    EXPECT_DOUBLE_EQ(scores.accuracy, expected["accuracy"].get<double>()) << line;
    ++cases[script];
  }
  EXPECT_EQ(cases.size(), ScriptNames().size() + 1);
  for (const auto& [script, count] : cases) EXPECT_GE(count, 100) << script;
}

TEST(Score, ScriptsDifferWhereTheirAuthorsDo) {
  const auto f1 = [](const char* script, const char* answer, const char* gold) {
    return Score(answer, {gold}, ScriptScoring(script).value()).f1;
  };
  EXPECT_EQ(f1("hotpotqa", "yes it is", "yes"), 0.0);  // hotpot_evaluate_v1.py: ZERO_METRIC
  EXPECT_EQ(f1("2wiki", "no", "no one"), 0.0);
  EXPECT_EQ(f1("squad", "yes it is", "yes"), 0.5);
  EXPECT_EQ(f1("musique", "the", "an"), 1.0);  // neither has tokens
  EXPECT_EQ(f1("squad", "the", "an"), 0.0);
  const auto popqa = ScriptScoring("popqa").value();
  EXPECT_EQ(Score("A Poet of note", {"POET"}, popqa).accuracy, 1.0);
  EXPECT_EQ(Score("a poEt", {"poet"}, popqa).accuracy, 0.0);  // as written, in lower case, capitalised: nothing else
  EXPECT_EQ(Score("anything", {""}, popqa).accuracy, 0.0);
}

TEST(Score, UnknownScriptsAreNamed) {
  EXPECT_THAT(ScriptScoring("hotpot").error().message(),
              testing::HasSubstr("no script `hotpot`; did you mean `hotpotqa`"));
  EXPECT_THAT(ScriptScoring("").error().message(), testing::HasSubstr("no script ``: there are squad, nq,"));
}

}  // namespace
}  // namespace jade::eval
