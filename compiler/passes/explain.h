#pragma once
// Says in words what is known of a program before it runs: which calls start at once, which wait and for what; how much
// of each prompt is static.

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

// How much of a role's messages is known before any call: the text each begins with, which is tokenised once, and what
// ends it. Empty for a tool.
//
//   executor QR, std/rag.jade
//     system: static, 453 bytes
//     user: static for 18 bytes, up to `{question}` (line 31)
std::string ExplainPrompt(const ir::Module& module, const ir::Callee& callee);

}  // namespace jade::passes
