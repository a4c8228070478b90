// Control flow, and the operations of templates.

#include "compiler/abi/trap.h"
#include "compiler/ir/op_rules_state.h"

namespace jade::ir {

void OpRules::CheckControl() {
  constexpr TypeId kInt = TypeTable::Int(), kBool = TypeTable::Bool();
  switch (op_.code) {
    case Opcode::kIf:
      if (!Shape(1, true, 2, 2)) return;
      Require(Operand(0) == kBool, "the condition is a Bool");
      Region(0, {}, {Result()});
      return Region(1, {}, {Result()});
    case Opcode::kSwitch:
      return CheckSwitch(false);
    case Opcode::kFold:
      return CheckFold();
    case Opcode::kEach:
    case Opcode::kMap: {
      if (!Shape(1, true, 1, 2)) return;
      if (!types_.IsList(Operand(0)) || !types_.IsList(Result())) return Require(false, "operand and result are lists");
      TypeId item = types_.ElementOf(Operand(0));
      Region(0, {item, kInt}, {types_.ElementOf(Result())});
      if (op_.region_count == 2) Region(1, {item, kInt}, {kBool});
      return;
    }
    case Opcode::kRepeat:
      if (!Shape(2, true, 1, 1)) return;
      Require(Operand(0) == kInt, "the limit is an Int");
      Require(Operand(1) == Result(), "result of another type");
      return Region(0, {Result()}, {Result(), kBool});
    case Opcode::kWithin:
      return CheckWithin();
    case Opcode::kTrap:
      Shape(0, false);
      Require(op_.imm >= 0 && op_.imm <= static_cast<int64_t>(abi::TrapKind::kCancelled), "no such trap");
      Require(op_.aux_count == 1, "a trap has a message");
      if (op_.aux_count == 1) NeedText(function_.AuxOf(op_)[0]);
      return;
    default:  // kYield: its values are checked with the region they end
      Shape(-1, false);
  }
}

void OpRules::CheckFold() {
  if (!Shape(2, true, 1, -1)) return;
  if (!types_.IsList(Operand(0))) return Require(false, "the operand is a list");
  TypeId item = types_.ElementOf(Operand(0));
  Require(Operand(1) == Result(), "result of another type");
  const ir::Region& body = function_.RegionOf(op_, 0);
  uint32_t aheads = op_.region_count - 1U;
  if (body.param_count != 3 + aheads)
    return Require(false, "the body's parameters are accumulator, item, index and the futures");
  auto info = [&](uint32_t i) { return function_.values[body.first_param + i]; };
  Require(info(0) == ValueInfo{Result(), false} && info(1) == ValueInfo{item, false} &&
              info(2) == ValueInfo{TypeTable::Int(), false},
          "the body's parameters are accumulator, item, index and the futures");
  Yields(body, {Result()});
  for (uint32_t i = 0; i < aheads; ++i) {
    Require(info(3 + i).future, "what runs ahead arrives as a future");
    Region(1 + i, {item, TypeTable::Int()}, {info(3 + i).type});
  }
}

void OpRules::CheckWithin() {
  Require(op_.imm > 0 && op_.imm < 16, "unknown limits");
  if (!problem_.empty()) return;
  if (!Shape(__builtin_popcountll(static_cast<uint64_t>(op_.imm)), true, 1, 2)) return;
  size_t next = 0;
  for (int bit = kBudgetDepth; bit <= kBudgetSeconds; bit <<= 1) {
    if ((op_.imm & bit) == 0) continue;
    Require(Operand(next++) == (bit == kBudgetSeconds ? TypeTable::Float() : TypeTable::Int()),
            "limit of another type");
  }
  for (uint32_t i = 0; i < op_.region_count; ++i) Region(i, {}, {Result()});
}

void OpRules::CheckSwitch(bool emits) {
  if (!Shape(1, !emits, 1, -1)) return;
  const TypeInfo& info = types_[Operand(0)];
  bool optional = info.kind == TypeKind::kOptional;
  if (!optional && info.kind != TypeKind::kEnum) return Require(false, "the operand is an enum or optional");
  size_t cases = optional ? 2 : info.cases.size();
  std::span<const uint32_t> targets = function_.AuxOf(op_);
  if (targets.size() != cases) return Require(false, "one region a case");
  std::vector<uint32_t> uses(op_.region_count, 0);
  for (uint32_t target : targets) {
    if (target >= op_.region_count) return Require(false, "region out of range");
    ++uses[target];
  }
  for (size_t i = 0; i < cases; ++i) {
    const ir::Region& region = function_.RegionOf(op_, targets[i]);
    if (region.param_count == 0) continue;
    size_t payload = optional ? i : info.cases[i].payload.size();
    if (uses[targets[i]] != 1 || region.param_count != payload)
      return Require(false, "region parameters are its one case's payload");
    for (uint32_t p = 0; p < payload; ++p) {
      TypeId type = optional ? info.element : info.cases[i].payload[p].type;
      Require(function_.values[region.first_param + p] == ValueInfo{type, false}, "region parameter of another type");
    }
  }
  for (uint32_t r = 0; r < op_.region_count; ++r) {
    Require(uses[r] > 0, "a region no case leads to");
    if (emits) {
      Yields(function_.RegionOf(op_, r), {});
    } else {
      Yields(function_.RegionOf(op_, r), {Result()});
    }
  }
}

void OpRules::CheckEmit() {
  switch (op_.code) {
    case Opcode::kEmitText:
      Shape(0, false);
      return NeedText(op_.imm);
    case Opcode::kEmit:
      Shape(1, false);
      return Require(Operand(0) == TypeTable::Text(), "the operand is a Text");
    case Opcode::kEmitFor:
      if (!Shape(1, false, 1, 1)) return;
      if (!types_.IsList(Operand(0))) return Require(false, "the operand is a list");
      return Region(0, {types_.ElementOf(Operand(0)), TypeTable::Int()}, {});
    case Opcode::kEmitIf:
      if (!Shape(1, false, 2, 2)) return;
      Require(Operand(0) == TypeTable::Bool(), "the condition is a Bool");
      Region(0, {}, {});
      return Region(1, {}, {});
    default:
      return CheckSwitch(true);
  }
}

}  // namespace jade::ir
