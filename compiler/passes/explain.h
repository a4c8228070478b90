#pragma once
// Says in words what the overlap pass makes of a function: which calls start at once, which wait and for what.

#include <string>

#include "compiler/ir/module.h"

namespace jade::passes {

// `function` as lowering wrote it (awaits beside issues). A line for each operation that makes calls, indented by
// region, each line ended; empty when it makes none.
//
//   workflow Solve
//     line 4: QR starts at once
//     line 5: R waits for QR
//     line 6: each waits for R; its items run side by side
//       line 6: AG starts at once
std::string Explain(const ir::Module& module, const ir::Function& function);

}  // namespace jade::passes
