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
      if (Emit(op, operand(op, 0).as_text())) Finish(op, Value::None());
      return true;
    default:
      return false;
  }
}

bool Machine::Emit(const ir::Op& op, const std::string& text) {
  if (task_.emit == nullptr) return true;
  if (!CheckBytes(op, task_.emit->size() + text.size())) return false;
  *task_.emit += text;
  return true;
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
    case Opcode::kTextConcat: {
      Value text;
      if (TextConcat(
              op, [&](uint32_t i) -> const Value& { return operand(op, i); }, &text))
        Finish(op, std::move(text));
      return true;
    }
    case Opcode::kList:
      if (CheckBytes(op, op.operand_count * sizeof(Value))) Finish(op, Value::List(operands(op)));
      return true;
    case Opcode::kListConcat: {
      Value list;
      if (ListConcat(op, operand(op, 0), operand(op, 1), &list)) Finish(op, std::move(list));
      return true;
    }
    case Opcode::kIndex: {
      const std::vector<Value>& items = operand(op, 0).as_list();
      const int64_t index = operand(op, 1).as_int();
      if (index < 0 || index >= static_cast<int64_t>(items.size())) {
        return TrapIndex(op, index, static_cast<int64_t>(items.size())), true;
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
    case Opcode::kBuiltin: {
      Value result;
      if (Builtin(op, operands(op), &result)) Finish(op, std::move(result));
      return true;
    }
    case Opcode::kMakePlan:
      return Finish(op, MakePlan(op, operands(op))), true;
    default:
      return false;
  }
}

Value Machine::MakePlan(const ir::Op& op, std::vector<Value> bound) {
  const ir::FunctionId function{static_cast<uint32_t>(op.imm)};
  const ir::ModulePtr& module = frame().module;
  return Value::Plan(
      std::make_shared<PlanFunction>(module, function, std::move(bound), module->function(function).name));
}

void Machine::TrapIndex(const ir::Op& op, int64_t index, int64_t count) {
  Trap(op, TrapKind::kIndexOutOfRange, fmt::format("index {} is out of range for a list of {}", index, count));
}

template <typename Operand>
bool Machine::TextConcat(const ir::Op& op, Operand operand, Value* out) {
  uint64_t bytes = 0;
  for (uint32_t i = 0; i < op.operand_count; ++i) bytes += operand(i).as_text().size();
  if (!CheckBytes(op, bytes)) return false;
  std::string text;
  text.reserve(bytes);
  for (uint32_t i = 0; i < op.operand_count; ++i) text += operand(i).as_text();
  *out = Value::Text(std::move(text));
  return true;
}

bool Machine::ConcatTexts(const ir::Op& op, std::span<const Value> texts, Value* out) {
  return TextConcat(
      op, [&](uint32_t i) -> const Value& { return texts[i]; }, out);
}

bool Machine::ListConcat(const ir::Op& op, const Value& first, const Value& second, Value* out) {
  const std::vector<Value>& a = first.as_list();
  const std::vector<Value>& b = second.as_list();
  if (!CheckBytes(op, (a.size() + b.size()) * sizeof(Value))) return false;
  std::vector<Value> items;
  items.reserve(a.size() + b.size());
  items.insert(items.end(), a.begin(), a.end());
  items.insert(items.end(), b.begin(), b.end());
  *out = Value::List(std::move(items));
  return true;
}

bool Machine::CheckRange(const ir::Op& op, int64_t length) {
  if (!Burn(op, 1)) return false;
  builtins::Failure failure;
  if (builtins::FitsRange(length, run_.builtins, &failure)) return true;
  Trap(op, failure.kind, std::move(failure.message), run_.root);
  return false;
}

bool Machine::Builtin(const ir::Op& op, std::span<const Value> arguments, Value* out) {
  const auto builtin = static_cast<ir::Builtin>(op.imm);
  int64_t cost = 0;
  for (const Value& argument : arguments) cost += static_cast<int64_t>(argument.ShallowBytes() / 16);
  if (builtin == ir::Builtin::kDistinct) {
    const auto count = static_cast<int64_t>(arguments[0].as_list().size());
    cost = count > 1'000'000 ? std::numeric_limits<int64_t>::max() / 2 : count * count / 2;
  }
  if (!Burn(op, cost)) return false;
  Value result;
  builtins::Failure failure;
  if (!builtins::Apply(builtin, arguments, run_.builtins, &result, &failure)) {
    const ScopePtr exhausted = failure.kind == TrapKind::kMemory ? run_.root : nullptr;
    Trap(op, failure.kind, std::move(failure.message), exhausted);
    return false;
  }
  // The sum of no items has no item to show its type.
  if (builtin == ir::Builtin::kSum && result.kind() == ValueKind::kInt &&
      types().BaseOf(frame().function->values[op.result.index].type) == types::TypeTable::Float()) {
    result = Value::Float(0.0);
  }
  *out = std::move(result);
  return true;
}

}  // namespace jade::interp
