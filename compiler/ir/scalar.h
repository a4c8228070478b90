#pragma once
// What the scalar operations compute: the one definition that the interpreter, constant folding and the tests of
// generated code share. Pure functions.

#include <optional>

#include "compiler/abi/trap.h"
#include "compiler/abi/value.h"
#include "compiler/ir/op.h"

namespace jade::ir {

// int.add … int.neg (`b` is ignored). The trap, or none and the result.
std::optional<abi::TrapKind> ApplyInt(Opcode code, int64_t a, int64_t b, int64_t* result);

// float.add … float.neg (`b` is ignored).
std::optional<abi::TrapKind> ApplyFloat(Opcode code, double a, double b, double* result);

// eq, ne: any one type; lt, le, gt, ge: both Int, both Float or both Text.
bool ApplyComparison(Opcode code, const abi::Value& a, const abi::Value& b);

// "division by zero": what a trap of these operations says.
const char* ScalarTrapMessage(abi::TrapKind kind);

}  // namespace jade::ir
