#include <fmt/format.h>

#include <bit>
#include <limits>

#include "compiler/ir/scalar.h"
#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::TrapKind;
using abi::Value;
using abi::ValueKind;
using ir::Opcode;

bool Machine::StepConstant(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kConstBool:
      return Finish(op, Value::Bool(op.imm != 0)), true;
    case Opcode::kConstInt:
      return Finish(op, Value::Int(op.imm)), true;
    case Opcode::kConstFloat:
      return Finish(op, Value::Float(std::bit_cast<double>(op.imm))), true;
    case Opcode::kConstText:
      return Finish(op, Value::Text(frame().module->text({static_cast<uint32_t>(op.imm)}))), true;
    case Opcode::kNone:
      return Finish(op, Value::None()), true;
    case Opcode::kParam:
      return Finish(op, Value(run_.params[static_cast<size_t>(op.imm)])), true;
    case Opcode::kEmitText:
      if (task_.emit != nullptr) *task_.emit += frame().module->text({static_cast<uint32_t>(op.imm)});
      return Finish(op, Value::None()), true;
    case Opcode::kEmit:
      if (task_.emit != nullptr) {
        if (!CheckBytes(op, task_.emit->size() + operand(op, 0).as_text().size())) return true;
        *task_.emit += operand(op, 0).as_text();
      }
      return Finish(op, Value::None()), true;
    default:
      return false;
  }
}

bool Machine::StepInt(const ir::Op& op) {
  if (op.code < Opcode::kIntAdd || op.code > Opcode::kIntNeg) return false;
  const int64_t b = op.operand_count > 1 ? operand(op, 1).as_int() : 0;
  int64_t result = 0;
  if (const auto trap = ir::ApplyInt(op.code, operand(op, 0).as_int(), b, &result)) {
    return Trap(op, *trap, ir::ScalarTrapMessage(*trap)), true;
  }
  return Finish(op, Value::Int(result)), true;
}

bool Machine::StepFloat(const ir::Op& op) {
  if (op.code == Opcode::kIntToFloat) {
    return Finish(op, Value::Float(static_cast<double>(operand(op, 0).as_int()))), true;
  }
  if (op.code < Opcode::kFloatAdd || op.code > Opcode::kFloatNeg) return false;
  const double b = op.operand_count > 1 ? operand(op, 1).as_float() : 0.0;
  double result = 0;
  if (const auto trap = ir::ApplyFloat(op.code, operand(op, 0).as_float(), b, &result)) {
    return Trap(op, *trap, ir::ScalarTrapMessage(*trap)), true;
  }
  return Finish(op, Value::Float(result)), true;
}

bool Machine::StepCompare(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kEq:
    case Opcode::kNe:
    case Opcode::kLt:
    case Opcode::kLe:
    case Opcode::kGt:
    case Opcode::kGe:
      return Finish(op, Value::Bool(ir::ApplyComparison(op.code, operand(op, 0), operand(op, 1)))), true;
    case Opcode::kNot:
      return Finish(op, Value::Bool(!operand(op, 0).as_bool())), true;
    case Opcode::kAnd:
      return Finish(op, Value::Bool(operand(op, 0).as_bool() && operand(op, 1).as_bool())), true;
    case Opcode::kOr:
      return Finish(op, Value::Bool(operand(op, 0).as_bool() || operand(op, 1).as_bool())), true;
    default:
      return false;
  }
}

bool Machine::StepCompound(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kDisplay:
      return Finish(op, operand(op, 0).is_none() ? Value::Text("") : Value::Text(abi::DisplayText(operand(op, 0)))),
             true;
    case Opcode::kTextConcat:
      return TextConcat(op), true;
    case Opcode::kList:
      if (CheckBytes(op, op.operand_count * sizeof(Value))) Finish(op, Value::List(operands(op)));
      return true;
    case Opcode::kListConcat:
      return ListConcat(op), true;
    case Opcode::kIndex: {
      const std::vector<Value>& items = operand(op, 0).as_list();
      const int64_t index = operand(op, 1).as_int();
      if (index < 0 || index >= static_cast<int64_t>(items.size())) {
        Trap(op, TrapKind::kIndexOutOfRange,
             fmt::format("index {} is out of range for a list of {}", index, items.size()));
        return true;
      }
      return Finish(op, Value(items[static_cast<size_t>(index)])), true;
    }
    case Opcode::kRecord:
      return Finish(op, Value::Record(operands(op))), true;
    case Opcode::kField:
      return Finish(op, Value(operand(op, 0).as_record().at(static_cast<size_t>(op.imm)))), true;
    case Opcode::kEnum:
      return Finish(op, Value::Enum(static_cast<uint32_t>(op.imm), operands(op))), true;
    case Opcode::kSome:
    case Opcode::kCast:
      return Finish(op, Value(operand(op, 0))), true;
    case Opcode::kBuiltin:
      return Builtin(op), true;
    case Opcode::kMakePlan: {
      const ir::FunctionId function{static_cast<uint32_t>(op.imm)};
      const ir::ModulePtr& module = frame().module;
      return Finish(op, Value::Plan(std::make_shared<PlanFunction>(module, function, operands(op),
                                                                   module->function(function).name))),
             true;
    }
    default:
      return false;
  }
}

void Machine::TextConcat(const ir::Op& op) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < op.operand_count; ++i) bytes += operand(op, i).as_text().size();
  if (!CheckBytes(op, bytes)) return;
  std::string text;
  text.reserve(bytes);
  for (uint32_t i = 0; i < op.operand_count; ++i) text += operand(op, i).as_text();
  Finish(op, Value::Text(std::move(text)));
}

void Machine::ListConcat(const ir::Op& op) {
  const std::vector<Value>& a = operand(op, 0).as_list();
  const std::vector<Value>& b = operand(op, 1).as_list();
  if (!CheckBytes(op, (a.size() + b.size()) * sizeof(Value))) return;
  std::vector<Value> items;
  items.reserve(a.size() + b.size());
  items.insert(items.end(), a.begin(), a.end());
  items.insert(items.end(), b.begin(), b.end());
  Finish(op, Value::List(std::move(items)));
}

void Machine::Builtin(const ir::Op& op) {
  const auto builtin = static_cast<ir::Builtin>(op.imm);
  const std::vector<Value> arguments = operands(op);
  int64_t cost = 0;
  for (const Value& argument : arguments) cost += static_cast<int64_t>(argument.ShallowBytes() / 16);
  if (builtin == ir::Builtin::kDistinct) {
    const auto count = static_cast<int64_t>(arguments[0].as_list().size());
    cost = count > 1'000'000 ? std::numeric_limits<int64_t>::max() / 2 : count * count / 2;
  }
  if (!Burn(op, cost)) return;
  Value result;
  builtins::Failure failure;
  if (!builtins::Apply(builtin, arguments, run_.builtins, &result, &failure)) {
    const ScopePtr exhausted = failure.kind == TrapKind::kMemory ? run_.root : nullptr;
    return Trap(op, failure.kind, std::move(failure.message), exhausted);
  }
  // The sum of no items has no item to show its type.
  if (builtin == ir::Builtin::kSum && result.kind() == ValueKind::kInt &&
      types().BaseOf(frame().function->values[op.result.index].type) == types::TypeTable::Float()) {
    result = Value::Float(0.0);
  }
  Finish(op, std::move(result));
}

}  // namespace jade::interp
