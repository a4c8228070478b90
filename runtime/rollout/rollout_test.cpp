// Roll-outs over a scripted engine: the same batch whatever the order of replies, failures retried and recorded.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/engine/scripted.h"
#include "runtime/rollout/collector.h"
#include "runtime/rollout/questions_run.h"

namespace jade::rollout {
namespace {

using engine::ScriptedEngine;
using engine::ScriptedReply;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kProgram = R"(use std.rag
use std.reward
main workflow Solve(question: Query) -> Answer {
  let parts = DecomposeParallel(question)
  let notes = each q in parts { Note(q, AG(q, [])) }
  AS(question, notes)
}
)";

class RolloutTest : public ::testing::Test {
 protected:
  RolloutTest() {
    const session::Loaded loaded = session::Program::LoadText("solve.jade", std::string(kProgram));
    EXPECT_NE(loaded.program, nullptr);
    options_.request.program = loaded.program;
    options_.request.reward = "Team";
    options_.parameter = QuestionParameter(*loaded.program, "").value();
    for (const char* name : {"one", "two", "three"}) {
      eval::Question& question = questions_.emplace_back();
      question.id = name;
      question.question = std::string("what is ") + name + "?";
      question.gold = {name};
      question.type = "single";
    }
    for (size_t i = 0; i < questions_.size(); ++i) {
      asked_.push_back(&questions_[i]);
      ids_.push_back(i);
    }
    Answering([](const engine::Request&) { return "<answer>one</answer>"; });
  }
  // Decomposition always gives two parts; `answer` says what the other roles write.
  void Answering(std::function<std::string(const engine::Request&)> answer) {
    matcher_ = [answer = std::move(answer)](const engine::Request& request) {
      const std::string text = request.role == "DecomposeParallel" ? "<q1>a?</q1><q2>b?</q2>" : answer(request);
      return ScriptedReply{text, 100, std::nullopt};
    };
  }
  // A seed other than 0 has replies come in an order drawn from it.
  Result<Batch> Collect(uint64_t shuffle = 0) {
    engine::ScriptOptions script;
    if (shuffle != 0) script.order = engine::ScriptOptions::Order::kShuffled;
    script.seed = shuffle;
    ScriptedEngine engine(script);
    engine.SetMatcher(matcher_);
    session::Session session(&engine, {}, engine.clock());
    Collector collector(asked_, collect_);
    JADE_TRY(AnswerQuestions(session, options_, asked_, ids_, [&](Answered answered) -> Status {
      // A scripted engine knows no tokens: each byte is one.
      for (trace::CallRecord& call : answered.finished.calls) {
        call.observation_ids = {1, 2, 3};
        call.action_ids.assign(call.action.begin(), call.action.end());
        call.log_probs.assign(call.action_ids.size(), -0.5F);
      }
      collector.Add(answered);
      return {};
    }));
    return collector.Finish();
  }

  std::function<std::optional<ScriptedReply>(const engine::Request&)> matcher_;
  RunOptions options_;
  CollectOptions collect_;
  std::vector<eval::Question> questions_;
  std::vector<const eval::Question*> asked_;
  std::vector<uint64_t> ids_;
};

TEST_F(RolloutTest, EveryModelCallIsATransitionWithItsTeamsReward) {
  const Result<Batch> batch = Collect();
  ASSERT_TRUE(batch.ok()) << batch.error().ToString();
  EXPECT_THAT(batch->roles, ElementsAre("AG", "AS", "DecomposeParallel"));
  ASSERT_EQ(batch->runs.size(), 3U);
  EXPECT_EQ(batch->runs[0].reward, 1.0);
  EXPECT_EQ(batch->runs[1].reward, 0.0);
  ASSERT_EQ(batch->transitions.size(), 12U);  // one decomposition, two answers and a summary each
  const Transition& answer = batch->transitions[1];
  EXPECT_EQ(batch->roles[answer.role], "AG");
  EXPECT_EQ(answer.site, batch->transitions[2].site);
  EXPECT_THAT(answer.site, HasSubstr("AG"));
  EXPECT_EQ(batch->action_tokens(), 3 * (22 + 3 * 20));
}

TEST_F(RolloutTest, TheBatchDoesNotDependOnTheOrderOfReplies) {
  const Batch plain = Collect().value();
  for (const uint64_t seed : {1U, 2U, 3U}) {
    const Batch shuffled = Collect(seed).value();
    ASSERT_EQ(shuffled.transitions.size(), plain.transitions.size());
    for (size_t i = 0; i < plain.transitions.size(); ++i) {
      EXPECT_EQ(shuffled.transitions[i].site, plain.transitions[i].site);
      EXPECT_EQ(shuffled.transitions[i].action, plain.transitions[i].action);
      EXPECT_EQ(shuffled.transitions[i].run, plain.transitions[i].run);
      EXPECT_EQ(shuffled.transitions[i].role, plain.transitions[i].role);
    }
  }
}

TEST_F(RolloutTest, AFailedCallIsTriedAgainAndThenRecorded) {
  int failures = 1;
  matcher_ = [&failures](const engine::Request& request) {
    if (request.role == "AS" && failures-- > 0) {
      return ScriptedReply{"", 100, Error(ErrorCode::kUnavailable, "the server is gone")};
    }
    return ScriptedReply{request.role == "DecomposeParallel" ? "<q1>a?</q1><q2>b?</q2>" : "<answer>one</answer>", 100,
                         std::nullopt};
  };
  Batch batch = Collect().value();
  EXPECT_EQ(batch.retried, 1);
  EXPECT_EQ(batch.runs[0].status, trace::RunStatus::kDone);
  EXPECT_EQ(batch.runs[0].reward, 1.0);

  failures = 1000;
  collect_.failed_reward = -1;
  batch = Collect().value();
  EXPECT_EQ(batch.retried, 6);
  for (const rollout::Run& run : batch.runs) {
    EXPECT_EQ(run.status, trace::RunStatus::kTrapped);
    EXPECT_EQ(run.reward, -1);
    EXPECT_THAT(run.failure, HasSubstr("the server is gone"));
  }
  EXPECT_EQ(batch.left_out.at("AS").unfinished, 3);
  EXPECT_EQ(batch.transitions.size(), 9U);  // what was done is still trained on
}

TEST_F(RolloutTest, LongTransitionsAreLeftOutAndCountedByRole) {
  collect_.max_response = 20;
  const Batch batch = Collect().value();
  EXPECT_EQ(batch.left_out.at("DecomposeParallel").too_long, 3);
  EXPECT_FALSE(batch.left_out.contains("AG"));
  EXPECT_EQ(batch.transitions.size(), 9U);
}

TEST_F(RolloutTest, SamplesOfAQuestionHaveSeedsOfTheirOwn) {
  options_.samples = collect_.samples = 2;
  const Batch batch = Collect().value();
  EXPECT_EQ(batch.runs.size(), 6U);
  EXPECT_EQ(batch.runs[1].question, 0U);
  EXPECT_EQ(batch.runs[1].sample, 1U);
  EXPECT_NE(SeedOf(1, 0, 0), SeedOf(1, 0, 1));
  EXPECT_NE(SeedOf(1, 0, 1), SeedOf(1, 1, 0));
}

TEST_F(RolloutTest, AnInterruptionLeavesNothingInTheSession) {
  const std::atomic<bool> cancel{true};
  options_.cancel = &cancel;
  const Result<Batch> batch = Collect();
  ASSERT_FALSE(batch.ok());
  EXPECT_EQ(batch.error().code(), ErrorCode::kCancelled);
}

TEST(SiteOf, DropsLoopCountersOnly) {
  EXPECT_EQ(SiteOf("Solve/run/QDS/QR#1[0][2]"), "Solve/run/QDS/QR#1");
  EXPECT_EQ(SiteOf("Solve/AG"), "Solve/AG");
}

}  // namespace
}  // namespace jade::rollout
