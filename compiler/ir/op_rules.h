#pragma once
// The typing rule of each operation, for the verifier. Private to this room.

#include <string>

#include "compiler/ir/module.h"

namespace jade::ir {

// Empty when the operation follows ops.def, else what is wrong. Needs tables in range and types of operands known;
// region contents are checked by the verifier, region parameters and yields here.
std::string CheckOp(const Module& module, const Function& function, const Op& op);

}  // namespace jade::ir
