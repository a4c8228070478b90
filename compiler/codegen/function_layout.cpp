#include "compiler/codegen/function_layout.h"

#include <algorithm>

#include "compiler/ir/builtin.h"

namespace jade::codegen {

using ir::Opcode;

bool IsConstant(Opcode code) {
  switch (code) {
    case Opcode::kConstBool:
    case Opcode::kConstInt:
    case Opcode::kConstFloat:
    case Opcode::kConstText:
    case Opcode::kNone:
    case Opcode::kParam:
      return true;
    default:
      return false;
  }
}

std::vector<uint32_t> FindDefiners(const ir::Function& function) {
  std::vector<uint32_t> definers(function.values.size(), ir::kInvalidIndex);
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    if (function.ops[i].result.valid()) definers[function.ops[i].result.index] = i;
  }
  return definers;
}

bool CanCompile(const ir::Function& function) {
  return function.kind != ir::FunctionKind::kTest && function.ops.size() <= kMostOperations;
}

bool RunsInChild(const ir::Op& op, uint32_t region) {
  switch (op.code) {
    case Opcode::kSpawn:
    case Opcode::kEach:
      return true;
    case Opcode::kFold:
      return region > 0;
    default:
      return false;
  }
}

namespace {

// What the runtime does for an operation depends on the regions that it stands in.
bool NeedsPosition(const ir::Op& op) {
  return IsChargedByHost(op.code) || (op.code == Opcode::kFold && op.region_count > 1);
}

std::vector<bool> FindPositions(const ir::Function& function) {
  std::vector<bool> keeps(function.regions.size(), false);
  for (size_t r = function.regions.size(); r-- > 0;) {
    for (const ir::Op& op : function.OpsOf(function.regions[r])) {
      bool here = NeedsPosition(op);
      for (uint32_t i = 0; i < op.region_count; ++i) {
        const uint32_t inner = op.first_region.index + i;
        if (op.code == Opcode::kWithin || op.code == Opcode::kEnter) keeps[inner] = true;
        here = here || keeps[inner];
      }
      if (here) keeps[r] = true;
    }
  }
  return keeps;
}

// The order of a trap as the innermost region that keeps a position sees it: regions within that one are one operation
// to it.
void FindRaiseOrder(const ir::Function& function, const std::vector<bool>& keeps, uint32_t region, uint32_t above,
                    std::vector<uint32_t>& orders) {
  const ir::Region& code = function.regions[region];
  for (uint32_t i = code.op_begin; i < code.op_begin + code.op_count; ++i) {
    const ir::Op& op = function.ops[i];
    orders[i] = std::min(above, op.order);
    for (uint32_t r = 0; r < op.region_count; ++r) {
      const uint32_t inner = op.first_region.index + r;
      const bool fresh = keeps[inner] || RunsInChild(op, r);
      FindRaiseOrder(function, keeps, inner, fresh ? ir::kInvalidIndex : orders[i], orders);
    }
  }
}

}  // namespace

std::string UnitSymbol(const ir::Function& function, const FrameLayout& unit) {
  std::string symbol = "jade." + function.name;
  if (unit.region() != 0) symbol += ".r" + std::to_string(unit.region());
  return symbol;
}

uint32_t StretchEnd(const ir::Function& function, const ir::Region& region, uint32_t first) {
  const uint32_t last = region.op_begin + region.op_count - 1;
  uint32_t end = first;
  for (; end < last; ++end) {
    const ir::Op& op = function.ops[end];
    if (op.region_count > 0 || ir::TraitOf(op.code) == ir::OpTrait::kSuspends) break;
  }
  return end;
}

bool IsChargedByHost(Opcode code) {
  switch (code) {
    case Opcode::kIssue:
    case Opcode::kAwait:
    case Opcode::kSpawn:
    case Opcode::kEach:
    case Opcode::kCall:
    case Opcode::kRun:
    case Opcode::kWithin:
    case Opcode::kEnter:
      return true;
    default:
      return false;
  }
}

namespace {

bool IsRange(const ir::Op& op) {
  return op.code == Opcode::kBuiltin && static_cast<ir::Builtin>(op.imm) == ir::Builtin::kRange;
}

// True when `user` only runs over the list, makes no calls, and nothing waits between the two.
bool OnlyRunsOver(const ir::Function& function, const std::vector<bool>& keeps, uint32_t range, uint32_t user) {
  const ir::Op& op = function.ops[user];
  const bool loop = op.code == Opcode::kFold || op.code == Opcode::kMap || op.code == Opcode::kEmitFor;
  if (!loop || user < range) return false;
  for (uint32_t region = 0; region < op.region_count; ++region) {
    if (keeps[op.first_region.index + region]) return false;
  }
  for (uint32_t i = range + 1; i < user; ++i) {
    const ir::Op& between = function.ops[i];
    if (between.code == Opcode::kYield || between.code == Opcode::kTrap) return false;  // not of one region
    if (ir::TraitOf(between.code) == ir::OpTrait::kSuspends && between.region_count == 0) return false;
    for (uint32_t region = 0; region < between.region_count; ++region) {
      if (keeps[between.first_region.index + region]) return false;
    }
  }
  return true;
}

std::vector<bool> FindCounted(const ir::Function& function, const std::vector<bool>& keeps) {
  std::vector<bool> counted(function.values.size(), false);
  std::vector<uint32_t> ranges(function.values.size(), ir::kInvalidIndex);
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    if (!IsRange(function.ops[i])) continue;
    counted[function.ops[i].result.index] = true;
    ranges[function.ops[i].result.index] = i;
  }
  for (uint32_t i = 0; i < function.ops.size(); ++i) {
    const std::span<const ir::ValueId> operands = function.OperandsOf(function.ops[i]);
    for (size_t k = 0; k < operands.size(); ++k) {
      const uint32_t value = operands[k].index;
      if (!counted[value]) continue;
      counted[value] = k == 0 && OnlyRunsOver(function, keeps, ranges[value], i);
    }
  }
  return counted;
}

std::vector<bool> FindTakes(const ir::Function& function) {
  std::vector<uint32_t> uses(function.values.size(), 0);
  for (const ir::ValueId operand : function.operands) ++uses[operand.index];
  std::vector<bool> takes(function.ops.size(), false);
  for (const ir::Region& region : function.regions) {
    for (uint32_t i = region.op_begin; i < region.op_begin + region.op_count; ++i) {
      const ir::Op& op = function.ops[i];
      if (op.code != Opcode::kAwait) continue;
      const uint32_t future = function.OperandsOf(op)[0].index;
      // In the region that makes the future the await is run as often as it is made. (A region's parameter is bound
      // from a future that the loop holds too, and no operation makes it.)
      const auto makes = [&](const ir::Op& other) { return other.result.index == future; };
      const std::span<const ir::Op> ops = function.OpsOf(region);
      takes[i] = uses[future] == 1 && std::any_of(ops.begin(), ops.end(), makes);
    }
  }
  return takes;
}

std::vector<uint32_t> FindCharges(const ir::Function& function) {
  std::vector<uint32_t> charges(function.ops.size(), 0);
  for (const ir::Region& region : function.regions) {
    const uint32_t end = region.op_begin + region.op_count;
    for (uint32_t first = region.op_begin; first < end;) {
      const uint32_t last = StretchEnd(function, region, first);
      if (IsChargedByHost(function.ops[last].code)) charges[last] = last + 1 - first;
      first = last + 1;
    }
  }
  return charges;
}

}  // namespace

FunctionLayout::FunctionLayout(const ir::Module& module, const ir::Function& function)
    : definers(FindDefiners(function)),
      keeps_position(FindPositions(function)),
      raise_order(function.ops.size(), ir::kInvalidIndex),
      counted(FindCounted(function, keeps_position)),
      takes(FindTakes(function)),
      charges(FindCharges(function)) {
  FindRaiseOrder(function, keeps_position, 0, ir::kInvalidIndex, raise_order);
  units.emplace_back(module, function, *this, 0, false);
  for (const ir::Op& op : function.ops) {
    if (op.code == Opcode::kConstText) {
      const ir::TextId text{static_cast<uint32_t>(op.imm)};
      if (constant_of.emplace(text.index, static_cast<uint32_t>(constants.size()) + 1).second)
        constants.push_back(text);
    }
    if (op.code == Opcode::kEach) {
      units.emplace_back(module, function, *this, op.first_region.index, op.region_count > 1);
      continue;
    }
    for (uint32_t r = 0; r < op.region_count; ++r) {
      if (RunsInChild(op, r)) units.emplace_back(module, function, *this, op.first_region.index + r, false);
    }
  }
}

const FrameLayout& FunctionLayout::UnitOf(uint32_t region) const {
  const auto found =
      std::find_if(units.begin(), units.end(), [&](const FrameLayout& unit) { return unit.region() == region; });
  JADE_CHECK(found != units.end(), "region {} is no unit", region);
  return *found;
}

}  // namespace jade::codegen
