#include "compiler/passes/value_numbers.h"

#include <map>

namespace jade::passes {
namespace {

using ir::Op;
using ir::Opcode;

// Two operations of this kind with equal operands give the same.
bool IsFunctionOfItsOperands(const ir::Module& module, const Op& op) {
  if (op.region_count > 0) return false;
  if (op.code == Opcode::kAwait) return true;
  if (op.code == Opcode::kIssue) {
    return module.callee({static_cast<uint32_t>(op.imm)}).kind == ir::CalleeKind::kTool;
  }
  const ir::OpTrait trait = ir::TraitOf(op.code);
  return trait == ir::OpTrait::kPure || trait == ir::OpTrait::kTraps;
}

}  // namespace

std::vector<uint32_t> NumberValues(const ir::Module& module, const ir::Function& function) {
  std::vector<uint32_t> numbers(function.values.size());
  for (uint32_t v = 0; v < numbers.size(); ++v) numbers[v] = v;
  std::map<std::vector<uint64_t>, uint32_t> known;
  // Operations of inner regions come after those around them, so operands have their numbers already.
  for (const Op& op : function.ops) {
    if (!op.result.valid() || !IsFunctionOfItsOperands(module, op)) continue;
    std::vector<uint64_t> key = {static_cast<uint64_t>(op.code), static_cast<uint64_t>(op.imm),
                                 function.values[op.result.index].type.index};
    for (ir::ValueId operand : function.OperandsOf(op)) key.push_back(numbers[operand.index]);
    numbers[op.result.index] = known.emplace(std::move(key), op.result.index).first->second;
  }
  return numbers;
}

}  // namespace jade::passes
