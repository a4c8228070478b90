// What carries the origin of values through a run that wants to know it. A result comes from what it was computed from;
// a part of a value from the whole; what a condition chose from the condition, for control.

#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::Value;
using ir::Builtin;
using ir::Opcode;

namespace {

// Whether the result hangs on everything in the operands, or on their shape and, by their own marks, on the parts kept.
bool LooksInside(const ir::Op& op) {
  if (op.code == Opcode::kEq || op.code == Opcode::kNe) return true;
  if (op.code != Opcode::kBuiltin) return false;
  switch (static_cast<Builtin>(op.imm)) {
    case Builtin::kLen:
    case Builtin::kFirst:
    case Builtin::kLast:
    case Builtin::kTake:
    case Builtin::kDrop:
    case Builtin::kReverse:
      return false;
    default:
      return true;
  }
}

}  // namespace

Origins::Id Machine::OperandOrigin(const ir::Op& op, bool deep) {
  Origins::Id id = 0;
  for (uint32_t i = 0; i < op.operand_count; ++i) {
    const Value& value = operand(op, i);
    id = run_.origins->Join(id, deep ? run_.origins->Deep(value) : value.origin());
  }
  return id;
}

void Machine::MarkResult(const ir::Op& op, Value* value) {
  switch (op.code) {
    case Opcode::kList:
    case Opcode::kRecord:
    case Opcode::kEnum:
    case Opcode::kMakePlan:
    case Opcode::kAwait:
    case Opcode::kCall:
    case Opcode::kEnter:
    case Opcode::kWithin:
      return;
    case Opcode::kIf:
    case Opcode::kSwitch:
    case Opcode::kFold:
    case Opcode::kEach:
    case Opcode::kMap:
    case Opcode::kRepeat:
    case Opcode::kRun:
      return run_.origins->Mark(*value, run_.origins->AsControl(operand(op, 0).origin()));
    default:
      return run_.origins->Mark(*value, OperandOrigin(op, LooksInside(op)));
  }
}

Origins::Id Machine::ControlHere() {
  return run_.origins->Control(frame(), frame().positions.size() - 1);
}

void Machine::AddControl(Origins::Id decided) {
  run_.origins->SetControl(frame(), frame().positions.size() - 1, run_.origins->Join(ControlHere(), decided));
}

void Machine::MarkRegion(const ir::Op& op) {
  const size_t level = frame().positions.size() - 1;
  Origins::Id decided = 0;
  if (op.code == Opcode::kWithin) {
    decided = OperandOrigin(op, /*deep=*/false);
  } else if (op.operand_count > 0) {
    decided = operand(op, 0).origin();
  }
  const Origins::Id around = run_.origins->Control(frame(), level - 1);
  run_.origins->SetControl(frame(), level, run_.origins->Join(around, run_.origins->AsControl(decided)));
}

void Machine::MarkFrame(const Frame& callee, const ir::Op& op) {
  const Origins::Id plan = op.code == Opcode::kRun ? operand(op, 0).origin() : 0;
  run_.origins->SetControl(callee, 0, run_.origins->Join(ControlHere(), run_.origins->AsControl(plan)));
}

void Machine::MarkChild(const Frame& child, const ir::Op& op) {
  const Origins::Id list = op.code == Opcode::kEach ? operand(op, 0).origin() : 0;
  run_.origins->SetControl(child, 0, run_.origins->Join(ControlHere(), run_.origins->AsControl(list)));
}

void Machine::MarkCall(std::span<const Value> arguments) {
  Origins::Id id = ControlHere();
  for (const Value& argument : arguments) id = run_.origins->Join(id, run_.origins->Deep(argument));
  run_.origins->AddCall(id);
}

// What a region gives when it ends early or is run instead of another is so because of that.
void Machine::MarkYield(const ir::Op& owner, std::vector<Value>& values) {
  if (owner.code == Opcode::kRepeat) {
    AddControl(run_.origins->AsControl(values.at(1).origin()));
  } else if (owner.code != Opcode::kWithin || position().region == owner.first_region.index) {
    return;
  }
  if (!values.empty()) run_.origins->Mark(values.front(), ControlHere());
}

}  // namespace jade::interp
