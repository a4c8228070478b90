#pragma once
// Constant folding: scalar operations of constants are computed, texts of constants joined, parts of values made in the
// function taken directly, and branches whose condition is known replaced by their arm. What would trap stays, so that
// it traps where and when it did; calls stay with the arm that makes them.

#include "compiler/ir/module.h"

namespace jade::passes {

// New texts go to `module`, whose function it is.
ir::Function Fold(ir::Module& module, const ir::Function& function);

}  // namespace jade::passes
