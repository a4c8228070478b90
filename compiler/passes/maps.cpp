#include "compiler/passes/maps.h"

#include <algorithm>

#include "compiler/ir/survey.h"

namespace jade::passes {

ir::Function MarkMaps(ir::Function function) {
  const auto is_each = [](const ir::Op& op) { return op.code == ir::Opcode::kEach; };
  if (std::none_of(function.ops.begin(), function.ops.end(), is_each)) return function;
  const std::vector<bool> suspends = ir::FindCalls(function);
  for (size_t i = 0; i < function.ops.size(); ++i) {
    if (is_each(function.ops[i]) && !suspends[i]) function.ops[i].code = ir::Opcode::kMap;
  }
  return function;
}

}  // namespace jade::passes
