#pragma once
// What is known of a function's operations only by looking through the regions: by operation. Linear in the operations;
// any thread.

#include <vector>

#include "compiler/ir/function.h"

namespace jade::ir {

// The operation makes calls or waits for them, itself or in its regions.
std::vector<bool> FindCalls(const Function& function);

// The function of the innermost `enter` that the operation stands in, invalid where it stands in none. Spans, places in
// program order and sites of an `enter`'s region are those of the function it enters.
std::vector<FunctionId> FindEntered(const Function& function);

}  // namespace jade::ir
