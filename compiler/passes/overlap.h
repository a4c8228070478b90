#pragma once
// Makes data flow the schedule. Lowering writes calls in program order, each awaited where it is made; this pass
// rewrites every region so that an operation that makes calls starts as soon as the values it needs are there:
//
//   issues move up to where their operands are ready, awaits down to where the values are needed;
//   a call, run, loop or branch that makes calls becomes a `spawn` when something else could go on meanwhile;
//   an operation that waits for some calls but not for others waits in a `spawn` of its own, so that it delays no one;
//   calls of a fold's body that do not need the accumulator become `ahead` regions: all iterations start them at once.
//
// Nothing that makes calls enters or leaves an arm, a loop body (but for `ahead`) or a `within`; sites and the number
// of calls stay the same; every operation keeps its Op::order, so the trap of a run stays the same too. A region with
// at most one such operation is copied as it is. Linear in practice; regions beyond kMaxWork are left in program order.

#include "compiler/ir/function.h"

namespace jade::passes {

// Operations times calls of one region.
inline constexpr size_t kMaxWork = size_t{1} << 20;

ir::Function Overlap(const ir::Function& function);

}  // namespace jade::passes
