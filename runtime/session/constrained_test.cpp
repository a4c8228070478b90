// `decode: constrained`, end to end: whatever an engine writes under the constraints it is given, no reply is
// malformed, and what was recorded says what might have been written.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/constrain/library.h"
#include "runtime/constrain/walk_fixtures.h"
#include "runtime/engine/scripted.h"
#include "runtime/session/session.h"

namespace jade::session {
namespace {

using ::testing::HasSubstr;

// A model without a mind: writes any tokens that are allowed.
class Monkey final : public engine::Engine {
 public:
  Monkey(constrain::VocabularyPtr vocabulary, uint64_t seed)
      : vocabulary_(std::move(vocabulary)), walker_(vocabulary_, seed) {}

  Status Submit(engine::Request request) override {
    requests.push_back(std::move(request));
    waiting_.push_back(requests.size() - 1);
    return {};
  }
  void Cancel(uint64_t id) override {
    for (size_t& index : waiting_) {
      if (requests[index].id == id) cancelled_.push_back(id);
    }
  }
  bool Step() override {
    if (waiting_.empty()) return false;
    const engine::Request& request = requests[waiting_.front()];
    waiting_.erase(waiting_.begin());
    engine::Reply reply;
    if (std::find(cancelled_.begin(), cancelled_.end(), request.id) != cancelled_.end()) {
      reply.finish = engine::Finish::kCancelled;
    } else {
      const auto bound = request.constraint->Bind(vocabulary_);
      if (bound.ok()) {
        constrain::Walk walk = walker_.Run(**bound, static_cast<size_t>(request.sampling.max_tokens));
        EXPECT_EQ(walk.problem, "");
        EXPECT_TRUE(walk.ended) << walk.text;
        reply.text = std::move(walk.text);
        reply.action_ids = std::move(walk.ids);
        reply.log_probs.resize(reply.action_ids.size());
        reply.constraint_states = std::move(walk.states);
      } else {
        reply.finish = engine::Finish::kError;
        reply.error = bound.error();
      }
    }
    PostReply(request.id, std::move(reply));
    return true;
  }
  std::string Describe() const override { return "monkey"; }

  std::vector<engine::Request> requests;

 private:
  constrain::VocabularyPtr vocabulary_;
  constrain::Walker walker_;
  std::vector<size_t> waiting_;
  std::vector<uint64_t> cancelled_;
};

class Constrained : public ::testing::Test {
 protected:
  Constrained() : tools_(std::make_shared<engine::ScriptSchedule>(engine::ScriptOptions{})) {
    auto tokenizer = tokenizer::Tokenizer::LoadTokenizerJson(JADE_SOURCE_DIR "/models/nano/tokenizer.json");
    EXPECT_TRUE(tokenizer.ok());
    vocabulary_ = constrain::VocabularyOf(*tokenizer);
    tools_.Set("R", [this](const engine::ToolRequest&) {
      std::string docs;
      for (size_t i = 0; i < documents_; ++i) {
        docs += std::string(i > 0 ? "," : "") + R"({"id":"1","title":"T","text":"x","score":1.0})";
      }
      return engine::ScriptedTools::Result{"[" + docs + "]", 0, std::nullopt};
    });
  }
  static ProgramPtr Load(const std::string& text) {
    Loaded loaded = text.empty() ? *Program::LoadFile(JADE_SOURCE_DIR "/workflows/jade.jade")
                                 : Program::LoadText("test.jade", text);
    for (const auto& one : loaded.diagnostics) ADD_FAILURE() << one.message;
    return loaded.program;
  }
  FinishedRun Run(Monkey* monkey, RunRequest request) {
    auto settings = std::make_shared<RoleSettings>();
    settings->constrained = true;
    settings->defaults.max_tokens = 60;
    request.settings = settings;
    Session session(monkey, {&tools_}, nullptr);
    const Result<RunId> run = session.Start(request);
    EXPECT_TRUE(run.ok()) << run.error().ToString();
    session.Drain();
    return session.Take(*run);
  }

  engine::ScriptedTools tools_;
  constrain::VocabularyPtr vocabulary_;
  size_t documents_ = 7;
};

TEST_F(Constrained, NoReplyIsMalformedAndTheRecordSaysWhatWasAllowed) {
  RunRequest request;
  request.program = Load("");
  request.inputs = {{"question", "Who wrote Dune?"}};
  size_t plans = 0;
  size_t states = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Monkey monkey(vocabulary_, seed);
    documents_ = seed % 12;
    const FinishedRun finished = Run(&monkey, request);
    for (const trace::CallRecord& call : finished.calls) {
      if (call.kind == trace::CallKind::kTool || call.status != trace::CallStatus::kDone) continue;
      ASSERT_NE(call.validity, trace::Validity::kMalformed) << call.action << ": " << call.error;
      if (call.kind == trace::CallKind::kPlanner) {
        ++plans;
        ASSERT_NE(call.plan, "") << call.action << ": " << call.diagnostics_json;
      }
      ASSERT_TRUE(call.role != "DS" || call.validity == trace::Validity::kValid) << call.action;
      // As a trainer does it: from the record alone.
      const auto constraint = constrain::FromId(call.constraint);
      ASSERT_TRUE(constraint.ok()) << constraint.error().ToString();
      ASSERT_EQ(call.constraint_states.size(), call.action_ids.size());
      const auto state = (*(*constraint)->Bind(vocabulary_))->Start(engine::kAnyLength);
      for (size_t i = 0; i < call.action_ids.size(); ++i) {
        ASSERT_EQ(state->number(), call.constraint_states[i]);
        ASSERT_TRUE(state->Accept(call.action_ids[i]));
        ++states;
      }
    }
  }
  EXPECT_GT(plans, 40u);
  EXPECT_GT(states, 1000u);
}

TEST_F(Constrained, APrefillIsGoneOnFrom) {
  RunRequest request;
  request.program = Load(R"(
executor Ask(q: Text) -> Text { user "{q}"
  prefill "<query>{q} or "
  emits <query> Text
  sample stop "</query>" }
main workflow W(q: Text) -> Text { Ask(q) }
)");
  request.inputs = {{"q", "this"}};
  Monkey monkey(vocabulary_, 1);
  const FinishedRun finished = Run(&monkey, request);
  ASSERT_FALSE(finished.trap) << finished.trap->ToString();
  EXPECT_TRUE(finished.answer.starts_with("this or")) << finished.answer;
  EXPECT_THAT(finished.calls[0].constraint, HasSubstr("prefix \"<query>this or \""));
  // A reply that is cut off before its closing tag would not be of the format.
  EXPECT_TRUE(monkey.requests[0].sampling.stop.empty());
}

TEST_F(Constrained, WhatCannotBeConstrainedFailsTheCallAndSaysWhy) {
  RunRequest request;
  request.program = Load(R"(
executor Ask(q: Text) -> Text { user "{q}"
  prefill "Sure: "
  emits <query> Text
  malformed raw }
main workflow W(q: Text) -> Text { within { calls: 2 } Ask(q) else "fallen back" }
)");
  request.inputs = {{"q", "this"}};
  Monkey monkey(vocabulary_, 1);
  FinishedRun finished = Run(&monkey, request);
  EXPECT_EQ(finished.answer, "fallen back");
  EXPECT_THAT(finished.calls[0].error, HasSubstr("no reply of the format begins with the prefill"));
  EXPECT_TRUE(monkey.requests.empty());

  request.program = Load("");
  request.inputs = {{"question", "Who?"}};
  auto poor = std::make_shared<engine::Vocabulary>(*vocabulary_);
  for (std::string& bytes : poor->bytes) {
    if (bytes == "<") bytes.clear();
  }
  Monkey mute(poor, 1);
  finished = Run(&mute, request);
  EXPECT_THAT(finished.calls[0].error, HasSubstr("no tokens for the bytes `<`"));
}

TEST_F(Constrained, FreeRepliesHaveNoConstraint) {
  RunRequest request;
  request.program = Load("");
  request.inputs = {{"question", "Who wrote Dune?"}};
  engine::ScriptedEngine engine(std::make_shared<engine::ScriptSchedule>(engine::ScriptOptions{}));
  engine.SetMatcher([](const engine::Request& one) {
    EXPECT_EQ(one.constraint, nullptr);
    return engine::ScriptedReply{"<workflow>AG</workflow>", 0, std::nullopt};
  });
  Session session(&engine, {&tools_}, nullptr);
  const Result<RunId> run = session.Start(request);
  ASSERT_TRUE(run.ok());
  session.Drain();
  EXPECT_EQ(session.Take(*run).calls[0].constraint, "");
}

}  // namespace
}  // namespace jade::session
