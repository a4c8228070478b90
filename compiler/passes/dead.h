#pragma once
// Dead code: operations without an effect whose values nothing uses go. What may trap or makes calls stays, used or
// not.

#include "compiler/ir/function.h"

namespace jade::passes {

ir::Function RemoveDead(const ir::Function& function);

}  // namespace jade::passes
