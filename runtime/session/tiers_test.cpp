// Sessions whose programs and plans become hot while they run.
#include "runtime/jit/tiers.h"

#include <gtest/gtest.h>

#include "runtime/engine/scripted.h"
#include "runtime/session/session.h"

namespace jade::session {
namespace {

constexpr const char* kProgram = R"(
type Query = new Text
type Answer = new Text
executor Ask(question: Query) -> Answer { user "{question}" emits <answer> Answer }
executor Rewrite(question: Query) -> Query { user "{question}" emits <query> Query }
planner MakePlan(question: Query) -> Plan<Query, Answer> {
  user "{question}"
  emits <workflow> plan
  stages [Rewrite] Ask
}
main workflow Solve(question: Query) -> Answer { run MakePlan(question) on question }
)";

class TiersTest : public ::testing::Test {
 protected:
  TiersTest() : engine_(std::make_shared<engine::ScriptSchedule>(engine::ScriptOptions{})) {
    engine_.SetMatcher([this](const engine::Request& request) -> std::optional<engine::ScriptedReply> {
      if (request.role == "MakePlan") return Say("<workflow>" + plan_ + "</workflow>");
      if (request.role == "Rewrite") return Say("<query>better</query>");
      return Say("<answer>" + request.messages->back().text + "</answer>");
    });
    auto jit = jit::Jit::Create({});
    EXPECT_TRUE(jit.ok());
    tiers_ = std::make_unique<jit::Tiers>(*jit, jit::TierOptions{.at_once = false, .hot_entries = 3});
    Loaded loaded = Program::LoadText("tiers.jade", kProgram);
    EXPECT_NE(loaded.program, nullptr);
    program_ = loaded.program;
  }

  static engine::ScriptedReply Say(std::string text) { return {std::move(text), 0, std::nullopt}; }

  FinishedRun Answer(Session& session) {
    RunRequest request;
    request.program = program_;
    request.inputs = {{"question", "who?"}};
    request.code = tiers_.get();
    const Result<RunId> run = session.Start(request);
    EXPECT_TRUE(run.ok());
    session.Drain();
    return session.Take(*run);
  }

  std::string plan_ = "Rewrite,Ask";
  engine::ScriptedEngine engine_;
  ProgramPtr program_;
  std::unique_ptr<jit::Tiers> tiers_;
};

TEST_F(TiersTest, AProgramAndItsPlanAreCompiledWhenTheyAreHot) {
  Session session(&engine_, {}, engine_.clock());
  const FinishedRun first = Answer(session);
  EXPECT_EQ(first.answer, "better");
  EXPECT_EQ(tiers_->compiled(), 0U);
  for (int i = 0; i < 3; ++i) Answer(session);
  tiers_->Settle();
  EXPECT_EQ(tiers_->compiled(), 2U);  // the program, and the plan
  EXPECT_FALSE(tiers_->failure().has_value());
  const FinishedRun compiled = Answer(session);
  EXPECT_EQ(compiled.answer, first.answer);
  ASSERT_EQ(compiled.calls.size(), first.calls.size());
  for (size_t i = 0; i < first.calls.size(); ++i) EXPECT_EQ(compiled.calls[i].path, first.calls[i].path);
}

TEST_F(TiersTest, APlanThatIsWrittenOnceStaysInterpreted) {
  Session session(&engine_, {}, engine_.clock());
  for (int i = 0; i < 4; ++i) Answer(session);
  tiers_->Settle();
  plan_ = "Ask";
  EXPECT_EQ(Answer(session).answer, "who?");
  tiers_->Settle();
  EXPECT_EQ(tiers_->compiled(), 2U);
}

}  // namespace
}  // namespace jade::session
