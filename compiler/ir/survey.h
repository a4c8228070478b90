#pragma once
// What is known of a function's operations only by looking through the regions: by operation. Linear in the operations;
// any thread.

#include <vector>

#include "compiler/ir/module.h"

namespace jade::ir {

// The operation makes calls or waits for them, itself or in its regions.
std::vector<bool> FindCalls(const Function& function);

// The function of the innermost `enter` that the operation stands in, invalid where it stands in none. Spans, places in
// program order and sites of an `enter`'s region are those of the function it enters.
std::vector<FunctionId> FindEntered(const Function& function);

// The text that every message of a template begins with.
struct StaticPrefix {
  size_t bytes = 0;
  const Op* end = nullptr;  // the hole, loop or branch after it; null: there is none, and the whole message is static
};
StaticPrefix FindStaticPrefix(const Module& module, const Function& body);

}  // namespace jade::ir
