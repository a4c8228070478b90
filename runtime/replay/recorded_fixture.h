#pragma once
// For tests of this room: a team whose members answer by rule, and runs of it.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "compiler/diag/render.h"
#include "runtime/engine/scripted.h"
#include "runtime/replay/resampling.h"
#include "runtime/session/session.h"

namespace jade::replay {

inline session::ProgramPtr LoadedText(std::string text, const session::LoadOptions& options = {}) {
  const session::Loaded loaded = session::Program::LoadText("test.jade", std::move(text), options);
  EXPECT_NE(loaded.program, nullptr) << diag::RenderText(loaded.diagnostics);
  return loaded.program;
}

// The last word of what a call is shown.
inline std::string TopicOf(const engine::Request& request) {
  std::string text = request.messages->back().text;
  text.erase(text.find_last_not_of(" \n") + 1);
  return text.substr(text.find_last_of(" \n") + 1);
}

struct Team {
  explicit Team(engine::ScriptOptions options = {})
      : engine(std::make_shared<engine::ScriptSchedule>(options)), tools(engine.schedule()) {
    tools.Set("R", [](const engine::ToolRequest&) {
      return engine::ScriptedTools::Result{
          R"([{"id":"1","title":"T","text":"x","score":1.0,"rank":1},{"id":"2","title":"U","text":"y","score":0.5,"rank":2}])",
          10, std::nullopt};
    });
  }
  // What a role says to a request.
  void Says(std::function<std::string(const engine::Request&)> rule) {
    engine.SetMatcher([rule = std::move(rule)](const engine::Request& request) -> std::optional<engine::ScriptedReply> {
      return engine::ScriptedReply{rule(request), 100, std::nullopt};
    });
  }
  session::FinishedRun Answer(const session::RunRequest& request) {
    session::Session session(&engine, {&tools}, engine.clock());
    const Result<session::RunId> run = session.Start(request);
    EXPECT_TRUE(run.ok()) << run.error().ToString();
    session.Drain();
    return session.Take(*run);
  }

  engine::ScriptedEngine engine;
  engine::ScriptedTools tools;
};

}  // namespace jade::replay
