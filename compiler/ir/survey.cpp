#include "compiler/ir/survey.h"

namespace jade::ir {
namespace {

bool MakesCall(Opcode code) {
  return code == Opcode::kIssue || code == Opcode::kAwait || code == Opcode::kCall || code == Opcode::kRun ||
         code == Opcode::kSpawn;
}

}  // namespace

// Operations of inner regions come after those around them.

std::vector<bool> FindCalls(const Function& function) {
  std::vector<bool> found(function.ops.size(), false);
  for (size_t i = function.ops.size(); i-- > 0;) {
    const Op& op = function.ops[i];
    bool calls = MakesCall(op.code);
    for (uint32_t r = 0; r < op.region_count && !calls; ++r) {
      const Region& region = function.RegionOf(op, r);
      for (uint32_t j = region.op_begin; j < region.op_begin + region.op_count && !calls; ++j) calls = found[j];
    }
    found[i] = calls;
  }
  return found;
}

std::vector<FunctionId> FindEntered(const Function& function) {
  std::vector<FunctionId> entered(function.ops.size());
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

StaticPrefix FindStaticPrefix(const Module& module, const Function& body) {
  StaticPrefix prefix;
  for (const Op& op : body.OpsOf(body.body())) {
    if (op.code == Opcode::kEmitText) prefix.bytes += module.text({static_cast<uint32_t>(op.imm)}).size();
    if (op.code <= Opcode::kEmitText || op.code > Opcode::kEmitSwitch) continue;
    prefix.end = &op;
    break;
  }
  return prefix;
}

}  // namespace jade::ir
