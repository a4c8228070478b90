#pragma once
// Writes a well-typed program from a seed: types, params, tools, roles, planners and what they write, workflows that
// call each other, and a main workflow with its inputs. The same seed gives the same program everywhere.

#include "tests/differential/program.h"

namespace jade::differential {

GeneratedProgram GenerateProgram(uint64_t seed);

}  // namespace jade::differential
