#include "runtime/session/script.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "runtime/session/session.h"

namespace jade::session {
namespace {

using ::testing::HasSubstr;

class ScriptTest : public ::testing::Test {
 protected:
  ScriptTest() {
    program_ = Program::LoadText("solve.jade", R"(use std.rag
main workflow Solve(question: Query) -> Answer { AG(question, R(question)) }
)")
                   .program;
    EXPECT_NE(program_, nullptr);
  }
  Result<Script> Load(const std::string& text) {
    const std::string path = testing::TempDir() + "script_test.jsonl";
    std::ofstream(path) << text;
    return LoadScript(path, *program_);
  }
  ProgramPtr program_;
};

TEST_F(ScriptTest, AnswersRolesAndTools) {
  auto script = Load(R"({"role": "R", "reply": [{"id": "1", "title": "Dune", "text": "by Herbert", "score": 1.0}]}
{"role": "AG", "reply": "<answer>one</answer>"}
{"role": "AG", "reply": "<answer>two</answer>"}
)");
  ASSERT_TRUE(script.ok()) << script.error().ToString();
  Session session(script->engine.get(), {script->tools.get()});
  for (const char* answer : {"one", "two", "two"}) {
    RunRequest request;
    request.program = program_;
    request.inputs = {{"question", "who?"}};
    const RunId run = session.Start(request).value();
    session.Drain();
    EXPECT_EQ(session.Take(run).answer, answer);
  }
}

TEST_F(ScriptTest, SaysWhatIsWrongAndWhere) {
  auto refusal = [&](const std::string& text) { return Load("\n" + text + "\n").error().ToString(); };
  EXPECT_THAT(refusal(R"({"role": "AGG", "reply": ""})"),
              HasSubstr("script_test.jsonl:2: `solve.jade` has no role or tool `AGG`; did you mean `AG`?"));
  EXPECT_THAT(refusal(R"({"role": "AG", "replay": ""})"), HasSubstr("unknown key `replay`; did you mean `reply`?"));
  EXPECT_THAT(refusal(R"({"role": "AG"})"), HasSubstr(":2: expected `reply` or `error`"));
  EXPECT_THAT(refusal(R"({"role": "AG", "reply": 5})"), HasSubstr("`reply` must be the text"));
  EXPECT_THAT(refusal("AG"), HasSubstr(":2: not JSON"));
}

}  // namespace
}  // namespace jade::session
