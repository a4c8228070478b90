#include "compiler/ir/entered.h"

namespace jade::ir {

std::vector<FunctionId> FindEntered(const Function& function) {
  std::vector<FunctionId> entered(function.ops.size());
  // Operations of inner regions come after those around them.
  for (size_t i = 0; i < function.ops.size(); ++i) {
    const Op& op = function.ops[i];
    const FunctionId inside = op.code == Opcode::kEnter ? FunctionId{static_cast<uint32_t>(op.imm)} : entered[i];
    for (uint32_t r = 0; r < op.region_count; ++r) {
      const Region& region = function.RegionOf(op, r);
      for (uint32_t j = region.op_begin; j < region.op_begin + region.op_count; ++j) entered[j] = inside;
    }
  }
  return entered;
}

}  // namespace jade::ir
