#pragma once
// What the roles and tools of a generated program answer: a function of the request alone, so that it does not depend
// on when the request is made or on what else is asked.

#include <memory>
#include <optional>

#include "runtime/engine/scripted.h"
#include "tests/differential/program.h"

namespace jade::differential {

// What a role says to a request in the world of this seed: that of the program, or another.
std::optional<engine::ScriptedReply> ReplyTo(const engine::Request& request, const GeneratedProgram& program,
                                             uint64_t seed);

struct World {
  World(const GeneratedProgram& program, const engine::ScriptOptions& options);
  World(const World&) = delete;

  engine::ScriptedEngine engine;
  engine::ScriptedTools tools;
};

}  // namespace jade::differential
