#pragma once
// The functions that were inlined into a function, by operation. Spans, places in program order and sites of an
// `enter`'s region are those of the function it enters.

#include <vector>

#include "compiler/ir/function.h"

namespace jade::ir {

// By operation: the function of the innermost `enter` it stands in, invalid where it stands in none.
std::vector<FunctionId> FindEntered(const Function& function);

}  // namespace jade::ir
