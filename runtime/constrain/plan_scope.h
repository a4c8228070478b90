#pragma once
// From a checked program to what one of its planners may write. One thread at a time for each program.

#include "compiler/result/result.h"
#include "compiler/sema/typed.h"
#include "runtime/constrain/spec.h"

namespace jade::constrain {

// The spec of a planner (a declaration of the program). What it admits, sema::CheckPlan accepts; of what CheckPlan
// accepts it admits rows of stages without blanks and blocks of calls, names, literals and lists
// (docs/constrained-decoding.md). kInvalidArgument when the scope is too large.
Result<Spec> PlanSpecOf(const sema::Program& program, uint32_t planner);

}  // namespace jade::constrain
