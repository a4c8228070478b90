#pragma once
// Which values of a function are equal in every run: the same operation of equal operands. A tool that is asked the
// same twice in a run is asked once, so results of equal requests are equal too; replies of a model never are.

#include <cstdint>
#include <vector>

#include "compiler/ir/module.h"

namespace jade::passes {

// By value; equal numbers mean equal values. Linear but for a logarithm.
std::vector<uint32_t> NumberValues(const ir::Module& module, const ir::Function& function);

}  // namespace jade::passes
