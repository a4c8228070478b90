#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/eval/questions.h"
#include "runtime/eval/summary.h"

namespace jade::eval {
namespace {

using testing::HasSubstr;

std::string Write(const std::string& text) {
  const std::string path = testing::TempDir() + "eval_test.jsonl";
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

TEST(QuestionsTest, ReadsBothSpellingsOfGold) {
  const auto questions = LoadQuestions(Write(R"({"id":"1","question":"a?","answer":"x","type":"bridge","support":["T"]}
{"id":"2","question":"b?","answer":"y","answers":["y","why"]}
)"),
                                       0);
  ASSERT_TRUE(questions.ok()) << questions.error().ToString();
  EXPECT_EQ((*questions)[0].gold, std::vector<std::string>{"x"});
  EXPECT_EQ((*questions)[0].support, std::vector<std::string>{"T"});
  EXPECT_EQ((*questions)[1].gold, (std::vector<std::string>{"y", "why"}));
  EXPECT_EQ(LoadQuestions(Write("{\"id\":\"1\",\"question\":\"a?\",\"answer\":\"x\"}\n{}\n"), 1)->size(), 1U);
  EXPECT_THAT(LoadQuestions(Write("{\"id\":\"1\",\"question\":\"a?\"}\n"), 0).error().message(),
              HasSubstr(":1: the object lacks `answer`"));
  EXPECT_THAT(LoadQuestions(Write(""), 0).error().message(), HasSubstr("holds no questions"));
}

TEST(QuestionsTest, FieldsOfTheRow) {
  const auto questions = LoadQuestions(
      Write(R"({"id":"1","question":"a?","answer":"x","plan":{"cheapest":"R,AG","n":[1]},"support":["T"]})"), 0);
  ASSERT_TRUE(questions.ok()) << questions.error().ToString();
  const Question& question = questions->front();
  EXPECT_EQ(RowField(question, "plan.cheapest").value(), "R,AG");
  EXPECT_EQ(RowField(question, "plan.n").value(), "[1]");
  EXPECT_EQ(RowField(question, "support").value(), R"(["T"])");
  for (const char* missing : {"plan.full", "plans", "answer.text", "", ".", "plan."}) {
    EXPECT_THAT(RowField(question, missing).error().message(), HasSubstr("question `1` has no field")) << missing;
  }
}

Outcome Answered(const std::string& answer, const std::string& type, trace::Validity validity) {
  Outcome outcome{.id = "q", .type = type, .gold = {"Frank Herbert"}, .answer = answer, .run = {}, .calls = {}};
  outcome.run.turns = 2;
  trace::CallRecord call;
  call.role = "AG";
  call.validity = validity;
  call.action_ids = {1, 2, 3};
  trace::CallRecord tool;
  tool.kind = trace::CallKind::kTool;
  tool.role = "R";
  outcome.calls = {call, tool};
  return outcome;
}

TEST(SummaryTest, AveragesOverAllQuestionsAndCountsFailuresAsWrong) {
  Summariser summariser(Scoring(builtins::Normalisation::kJade));
  summariser.Add(Answered("frank herbert", "single", trace::Validity::kValid));
  summariser.Add(Answered("Herbert", "single", trace::Validity::kMalformed));
  Outcome failed = Answered("Frank Herbert", "bridge", trace::Validity::kValid);
  failed.run.status = trace::RunStatus::kTrapped;
  summariser.Add(failed);
  Outcome contains = Answered("it was Frank Herbert", "bridge", trace::Validity::kInvalid);
  summariser.Add(contains);
  const Summary summary = summariser.Finish(8.0);
  EXPECT_EQ(summary.questions, 4);
  EXPECT_EQ(summary.failed, 1);
  EXPECT_DOUBLE_EQ(summary.em, 0.25);
  EXPECT_DOUBLE_EQ(summary.accuracy, 0.5);
  EXPECT_NEAR(summary.f1, (1.0 + 2.0 / 3.0 + 0.0 + 2.0 / 3.0) / 4.0, 1e-12);
  EXPECT_DOUBLE_EQ(summary.turns, 2.0);
  const auto object = nlohmann::json::parse(SummaryJson(summary, summariser.ByType()));
  EXPECT_DOUBLE_EQ(object["validity"]["AG"], 0.5);
  EXPECT_EQ(object["validity"].size(), 1U);  // tools have no format
  EXPECT_DOUBLE_EQ(object["seconds_per_question"], 2.0);
  EXPECT_DOUBLE_EQ(object["by_type"]["single"]["em"], 0.5);
  EXPECT_FALSE(object.contains("engine"));
}

TEST(EvalTest, AnEngineIsReportedByShares) {
  Summary summary;
  summary.questions = 2;
  summary.seconds = 8.0;
  EngineUse use;
  use.steps = 7;
  use.prompt_tokens = 400;
  use.cached_tokens = 300;
  use.executor_seconds = 6.0;
  use.tokenising_seconds = 0.5;
  const auto object = nlohmann::json::parse(SummaryJson(summary, {}, use));
  EXPECT_EQ(object["engine"]["steps"], 7);
  EXPECT_DOUBLE_EQ(object["engine"]["cached_share"], 0.75);
  EXPECT_DOUBLE_EQ(object["engine"]["executor_share"], 0.75);
  EXPECT_DOUBLE_EQ(object["engine"]["tokenising_share"], 0.0625);
  EXPECT_DOUBLE_EQ(object["engine"]["sampling_share"], 0.0);

  const auto nothing = nlohmann::json::parse(SummaryJson({}, {}, EngineUse{}));
  EXPECT_DOUBLE_EQ(nothing["engine"]["cached_share"], 0.0) << "no division by nothing";
  EXPECT_DOUBLE_EQ(nothing["engine"]["executor_share"], 0.0);
}

}  // namespace
}  // namespace jade::eval
