#include "runtime/replay/counterfactual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "runtime/replay/recorded_fixture.h"

namespace jade::replay {
namespace {

using engine::Request;
using session::FinishedRun;
using session::RunId;
using session::RunRequest;
using session::Session;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

using Rule = std::function<std::string(const Request&)>;

// What each role says by itself.
std::string Usual(const Request& request, const std::string& plan) {
  const std::string topic = TopicOf(request);
  if (request.role == "MakePlan") return plan;
  if (request.role == "SubPlan") return "<workflow>R,AG</workflow>";
  if (request.role == "QR") return "<query>search " + topic + "</query>";
  if (request.role == "DS") return "<id>Document0</id>";
  if (request.role == "AS") return "<answer>all</answer>";
  if (request.role == "AG") return "<answer>" + topic + "</answer>";
  return "<q1>about one</q1><q2>about two</q2><q3>about three</q3>";
}

class CounterfactualTest : public ::testing::Test {
 protected:
  CounterfactualTest()
      : engine_(&team_.engine),
        tools_({&team_.tools}),
        session_(&engine_, {&tools_}, team_.engine.clock()),
        resampled_(&session_, &engine_, &tools_) {
    const auto loaded = session::Program::LoadFile(JADE_SOURCE_DIR "/workflows/jade.jade");
    EXPECT_TRUE(loaded.ok() && loaded->program != nullptr);
    request_.program = loaded->program;
    request_.inputs = {{"question", "a question about everything"}};
    request_.seed = 7;
    request_.gold = {"all"};
    request_.reward = "Team";
  }
  // A run with this plan, recorded.
  std::shared_ptr<const RecordedRun> Record(const std::string& plan) {
    plan_ = "<workflow>" + plan + "</workflow>";
    team_.Says([this](const Request& request) { return Usual(request, plan_); });
    const Result<RunId> run = session_.Start(request_);
    EXPECT_TRUE(run.ok()) << run.error().ToString();
    session_.Drain();
    recorded_ = session_.Take(*run);
    EXPECT_TRUE(recorded_.value.has_value());
    asked_before_ = team_.engine.requests().size();
    return std::make_shared<const RecordedRun>(RecordedRun{request_, recorded_.calls});
  }
  // From now on `role` says something else.
  void Now(const std::string& role, Rule rule) {
    team_.Says([this, role, rule = std::move(rule)](const Request& request) {
      return request.role == role ? rule(request) : Usual(request, plan_);
    });
  }
  size_t IndexOf(const std::string& path) const {
    for (size_t i = 0; i < recorded_.calls.size(); ++i) {
      if (recorded_.calls[i].path == path) return i;
    }
    ADD_FAILURE() << "no call " << path;
    return 0;
  }
  std::vector<Alternative> Resample(const std::shared_ptr<const RecordedRun>& run, size_t call, uint32_t count) {
    const Result<std::vector<RunId>> started = resampled_.Start(run, call, count);
    EXPECT_TRUE(started.ok()) << started.error().ToString();
    session_.Drain();
    std::vector<Alternative> alternatives;
    for (const RunId one : *started) alternatives.push_back(resampled_.Take(one));
    return alternatives;
  }
  // Roles that the model was asked for since the run was recorded.
  std::multiset<std::string> Asked() const {
    std::multiset<std::string> roles;
    for (size_t i = asked_before_; i < team_.engine.requests().size(); ++i) {
      roles.insert(team_.engine.requests()[i].role);
    }
    return roles;
  }

  Team team_;
  ResamplingEngine engine_;
  ResamplingTools tools_;
  Session session_;
  Counterfactuals resampled_;
  RunRequest request_;
  std::string plan_;
  FinishedRun recorded_;
  size_t asked_before_ = 0;
};

TEST_F(CounterfactualTest, OnlyWhatDependsOnTheCallIsAskedAgain) {
  const auto run = Record("QDP");
  const size_t searches = team_.tools.requests().size();
  Now("AG", [](const Request&) { return "<answer>something else</answer>"; });
  const auto alternatives = Resample(run, IndexOf("Solve/run/QDP/run[1]/AG"), 2);
  EXPECT_THAT(Asked(), UnorderedElementsAre("AG", "AS", "AG", "AS"));
  EXPECT_EQ(team_.tools.requests().size(), searches);
  for (const Alternative& one : alternatives) {
    ASSERT_EQ(one.finished.calls.size(), recorded_.calls.size());
    ASSERT_TRUE(one.call.has_value());
    EXPECT_EQ(one.finished.calls[*one.call].action, "<answer>something else</answer>");
    EXPECT_EQ(one.calls.asked, 2);
    EXPECT_EQ(one.calls.replayed, 7);  // planner, decomposition, three sub-planners, two answers
    EXPECT_EQ(one.tools.asked, 0);
    EXPECT_EQ(one.tools.replayed, 3);
    EXPECT_EQ(one.finished.run.tokens, recorded_.run.tokens + 1);  // "something else" has a word more
  }
}

TEST_F(CounterfactualTest, AnAlternativeThatSaysTheSameChangesNothing) {
  const auto run = Record("QDP");
  const auto alternatives = Resample(run, IndexOf("Solve/run/QDP/run[1]/AG"), 3);
  EXPECT_THAT(Asked(), UnorderedElementsAre("AG", "AG", "AG"));
  for (const Alternative& one : alternatives) {
    EXPECT_EQ(one.calls.replayed, 8);
    EXPECT_EQ(one.finished.run.reward, recorded_.run.reward);
  }
}

TEST_F(CounterfactualTest, AnotherPlanMakesOtherCalls) {
  const auto run = Record("QR,R,DS,AG");
  Now("MakePlan", [](const Request&) { return "<workflow>QR,R,AG</workflow>"; });
  auto alternatives = Resample(run, 0, 1);
  EXPECT_THAT(Asked(), UnorderedElementsAre("MakePlan", "AG"));  // the answer sees more documents
  EXPECT_EQ(alternatives[0].calls.replayed, 1);
  EXPECT_EQ(alternatives[0].tools.replayed, 1);

  asked_before_ = team_.engine.requests().size();
  Now("MakePlan", [](const Request&) { return "<workflow>QDP</workflow>"; });
  alternatives = Resample(run, 0, 1);
  EXPECT_EQ(Asked().size(), 9u);
  EXPECT_EQ(alternatives[0].calls.replayed, 0);
  EXPECT_EQ(alternatives[0].tools.asked, 3);
  EXPECT_EQ(alternatives[0].finished.answer, "all");
}

TEST_F(CounterfactualTest, AMalformedAlternativeHasItsPenalty) {
  const auto run = Record("AG");
  EXPECT_EQ(run->calls[0].penalty, 0);
  Now("MakePlan", [](const Request&) { return "no plan"; });
  const auto alternatives = Resample(run, 0, 1);
  ASSERT_EQ(alternatives[0].call, 0u);
  const trace::CallRecord& planner = alternatives[0].finished.calls[0];
  EXPECT_EQ(planner.validity, trace::Validity::kMalformed);
  EXPECT_EQ(planner.penalty, 2.0);
  EXPECT_EQ(alternatives[0].finished.run.turns, 4);  // in its place: serial decomposition
}

// The summary is right or wrong by what the stream of its call draws.
TEST_F(CounterfactualTest, TheSpreadOfRewardsIsThatOfTheAlternatives) {
  const auto run = Record("QDP");
  auto is_right = [](const engine::StreamKey& stream) { return stream[0] % 3 == 0; };
  Now("AS", [&](const Request& request) {
    return is_right(request.sampling.stream) ? "<answer>all</answer>" : "<answer>nothing</answer>";
  });
  const size_t call = IndexOf("Solve/run/QDP/AS");
  constexpr uint32_t kCount = 16;
  const auto alternatives = Resample(run, call, kCount);
  int right = 0;
  for (uint32_t i = 0; i < kCount; ++i) {
    const trace::PathHash& path = run->calls[call].path_hash;
    const bool expected = is_right(StreamKeyOf(AlternativeSeed(request_, path, i), path));
    ASSERT_TRUE(alternatives[i].finished.run.reward.has_value());
    EXPECT_EQ(*alternatives[i].finished.run.reward, expected ? 1.0 : 0.0) << i;
    right += expected ? 1 : 0;
  }
  EXPECT_GT(right, 0);
  EXPECT_LT(right, static_cast<int>(kCount));
  // The same again, one at a time.
  for (uint32_t i = 0; i < kCount; ++i) {
    const Result<std::vector<RunId>> again = resampled_.Start(run, call, 1, i);
    session_.Drain();
    EXPECT_EQ(resampled_.Take(again->front()).finished.run.reward, alternatives[i].finished.run.reward) << i;
  }
}

TEST_F(CounterfactualTest, AlternativesOfAllCallsShareTheEngineWithOrdinaryRuns) {
  const auto run = Record("QDS");
  std::vector<RunId> started;
  size_t models = 0;
  for (size_t call = 0; call < run->calls.size(); ++call) {
    if (run->calls[call].kind == trace::CallKind::kTool) continue;
    const auto some = resampled_.Start(run, call, 4);
    ASSERT_TRUE(some.ok()) << some.error().ToString();
    started.insert(started.end(), some->begin(), some->end());
    ++models;
  }
  const Result<RunId> ordinary = session_.Start(request_);
  session_.Drain();
  EXPECT_GE(team_.engine.max_in_flight(), models);
  for (const RunId one : started) {
    const Alternative alternative = resampled_.Take(one);
    EXPECT_EQ(alternative.calls.asked, 1);
    EXPECT_EQ(alternative.finished.answer, recorded_.answer);
  }
  // Nothing of it came from the record.
  EXPECT_EQ(Asked().size(), 4 * models + models);
  EXPECT_EQ(session_.Take(*ordinary).calls.size(), recorded_.calls.size());
}

TEST_F(CounterfactualTest, WhatCannotBeSampledAnewIsRefused) {
  const auto run = Record("R,AG");
  EXPECT_THAT(resampled_.Start(run, IndexOf("Solve/run/R"), 1).error().ToString(), HasSubstr("none of a model"));
  EXPECT_THAT(resampled_.Start(run, 99, 1).error().ToString(), HasSubstr("none of a model"));
  ASSERT_TRUE(resampled_.Start(run, 0, 1).ok());
  const auto twice = resampled_.Start(run, 0, 2, 0);
  EXPECT_THAT(twice.error().ToString(), HasSubstr("alternative 0 of `Solve/MakePlan` has been started: take it first"));
  EXPECT_TRUE(resampled_.Start(run, 0, 2, 1).ok());
  RecordedRun wrong = *run;
  wrong.request.inputs = {{"quesion", "x"}};
  EXPECT_THAT(resampled_.Start(std::make_shared<const RecordedRun>(wrong), 0, 1).error().ToString(),
              HasSubstr("has no input `quesion`"));
}

TEST(AlternativeSeeds, AreOfRunInputsPathAndNumber) {
  RunRequest request;
  request.inputs = {{"q", "x"}};
  const trace::PathHash path{1};
  std::set<uint64_t> seeds = {AlternativeSeed(request, path, 0), AlternativeSeed(request, path, 1),
                              AlternativeSeed(request, trace::PathHash{2}, 0)};
  request.inputs = {{"q", "y"}};
  seeds.insert(AlternativeSeed(request, path, 0));
  request.seed = 1;
  seeds.insert(AlternativeSeed(request, path, 0));
  EXPECT_EQ(seeds.size(), 5u);
  EXPECT_EQ(AlternativeSeed(request, path, 0), AlternativeSeed(request, path, 0));
}

}  // namespace
}  // namespace jade::replay
