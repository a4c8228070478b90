#pragma once
// Replies from a file in the place of a model, to develop a workflow or to show a run exactly. JSONL, one reply a line:
//
//   {"role": "QR", "reply": "<query>author of Dune</query>"}     what the model writes
//   {"role": "R", "reply": [{"id": "1", "title": "Dune", …}]}    a tool's result; its other calls go on to the
//   retriever
//   {"role": "AG", "error": "out of memory"}                     the call fails
//   {"role": "AG", "reply": null}                                no reply comes
//
// The calls of a role take its replies in the order of the file; the last one answers every later call too.

#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/engine/scripted.h"
#include "runtime/session/program.h"

namespace jade::session {

struct Script {
  std::unique_ptr<engine::ScriptedEngine> engine;
  std::unique_ptr<engine::ScriptedTools> tools;  // serves the tools that the file has results for
};

// Fails with "file:line: …" when a line is no reply or names a role that the program does not have.
Result<Script> LoadScript(const std::string& path, const Program& program);

}  // namespace jade::session
