#pragma once
// Checks everything that the interpreter and code generation take for granted: tables are in range, regions form a
// tree and end in terminators, values are defined before use in scope, every operation has the operands, regions and
// result that ops.def gives it, futures are awaited before their region ends, sites are unique, and what a callee
// refers to has the right signature. For JIR made by the compiler a failure is a bug; for JIR text it is the user's.
// Safe on any tables, also ones with indices out of range; never recurses.

#include "compiler/ir/module.h"

namespace jade::ir {

// The module's own functions and callees. The error names function, operation and rule (kCorrupt).
Status Verify(const Module& module);

// One function of the module.
Status VerifyFunction(const Module& module, const Function& function);

// True when a value of the first type is, unchanged, a value of the second: nominal types erased, Never fitting all.
bool SameRepresentation(const types::TypeTable& types, types::TypeId from, types::TypeId to);

}  // namespace jade::ir
