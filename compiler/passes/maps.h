#pragma once
// Every loop over a list is lowered as `each`, whose items are tasks of their own; those whose regions make no calls
// become `map`, which runs one item after the other in place.

#include "compiler/ir/function.h"

namespace jade::passes {

ir::Function MarkMaps(ir::Function function);

}  // namespace jade::passes
