#include <fmt/format.h>

#include <algorithm>

#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::TrapKind;
using abi::Value;
using ir::Opcode;

bool Machine::StepControl(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kIf:
    case Opcode::kEmitIf:
      return Enter(op, operand(op, 0).as_bool() ? 0 : 1), true;
    case Opcode::kSwitch:
    case Opcode::kEmitSwitch:
      return Switch(op), true;
    case Opcode::kFold:
      return Fold(op), true;
    case Opcode::kMap:
      return Map(op), true;
    case Opcode::kRepeat:
      return Repeat(op), true;
    case Opcode::kEmitFor:
      return EmitFor(op), true;
    case Opcode::kWithin:
      return Within(op, operands(op)), true;
    case Opcode::kTrap:
      Trap(op, static_cast<TrapKind>(op.imm), frame().module->text({frame().function->AuxOf(op)[0]}));
      return true;
    case Opcode::kYield:
      return Yield(op), true;
    default:
      return false;
  }
}

void Machine::Enter(const ir::Op& op, uint32_t region) {
  Frame& f = frame();
  Position next;
  next.region = op.first_region.index + region;
  next.next = f.function->regions[next.region].op_begin;
  next.owner = IndexOf(op);
  f.positions.push_back(std::move(next));
  if (run_.origins != nullptr) MarkRegion(op);
}

void Machine::BindParams(uint32_t region, std::initializer_list<Value> values) {
  Frame& f = frame();
  uint32_t slot = f.function->regions[region].first_param;
  for (const Value& value : values) f.values[slot++] = value;
}

void Machine::Switch(const ir::Op& op) {
  const Value subject = operand(op, 0);
  const bool optional = types().IsOptional(frame().function->values[frame().function->OperandsOf(op)[0].index].type);
  const uint32_t chosen = optional ? (subject.is_none() ? 0 : 1) : subject.as_enum_case();
  Enter(op, frame().function->AuxOf(op)[chosen]);
  Frame& f = frame();
  const ir::Region& region = f.function->regions[position().region];
  if (region.param_count == 0) return;
  if (optional) {
    f.values[region.first_param] = subject;
    return;
  }
  const std::vector<Value>& payload = subject.as_enum_payload();
  for (uint32_t i = 0; i < region.param_count; ++i) f.values[region.first_param + i] = PartOf(subject, payload.at(i));
}

// ---- fold
// ------------------------------------------------------------------------------------------------------------

void Machine::Fold(const ir::Op& op) {
  const std::vector<Value>& items = operand(op, 0).as_list();
  Value initial = operand(op, 1);
  if (items.empty()) return Finish(op, std::move(initial));
  Enter(op, 0);
  frame().loops.push_back(0);
  for (uint32_t region = 1; region < op.region_count; ++region) SpawnAhead(op, region, operand(op, 0), {});
  FoldIteration(op, 0, std::move(initial));
}

void Machine::FoldIteration(const ir::Op& op, int64_t index, Value accumulator) {
  Frame& f = frame();
  Position& p = position();
  const std::vector<Value>& items = operand(op, 0).as_list();
  const ir::Region& region = f.function->regions[p.region];
  p.index = index;
  p.next = region.op_begin;
  f.loops.back() = index;
  f.values[region.first_param] = std::move(accumulator);
  f.values[region.first_param + 1] = PartOf(operand(op, 0), items[static_cast<size_t>(index)]);
  f.values[region.first_param + 2] = Value::Int(index);
  if (p.ahead == nullptr) return;
  f.futures.resize(std::max<size_t>(f.futures.size(), region.first_param + region.param_count));
  for (uint32_t i = 0; i + 3 < region.param_count; ++i) {
    f.futures[region.first_param + 3 + i] = (*p.ahead)[i * items.size() + static_cast<size_t>(index)];
  }
}

void Machine::YieldFold(const ir::Op& owner, Value value) {
  CloseIteration();
  const int64_t next = position().index + 1;
  if (next < static_cast<int64_t>(operand(owner, 0).as_list().size())) {
    return FoldIteration(owner, next, std::move(value));
  }
  PopRegion();
  Finish(owner, std::move(value));
}

// ---- map, repeat, emit.for
// -----------------------------------------------------------------------------------------------

void Machine::Map(const ir::Op& op) {
  if (operand(op, 0).as_list().empty()) return Finish(op, Value::List({}));
  Enter(op, 0);
  frame().loops.push_back(0);
  position().accumulator = Value::List({});
  MapItem(op, 0, op.region_count > 1);
}

void Machine::MapItem(const ir::Op& op, int64_t index, bool filter) {
  Frame& f = frame();
  Position& p = position();
  p.index = index;
  p.filter = filter;
  p.region = op.first_region.index + (filter ? 1U : 0U);
  p.next = f.function->regions[p.region].op_begin;
  f.loops.back() = index;
  const Value& list = operand(op, 0);
  BindParams(p.region, {PartOf(list, list.as_list()[static_cast<size_t>(index)]), Value::Int(index)});
}

void Machine::YieldMap(const ir::Op& owner, Value value) {
  Position& p = position();
  if (p.filter && run_.origins != nullptr) run_.origins->Mark(p.accumulator, run_.origins->AsControl(value.origin()));
  if (p.filter && value.as_bool()) return MapItem(owner, p.index, false);
  if (!p.filter) p.accumulator.MutableList().push_back(std::move(value));
  const int64_t next = p.index + 1;
  if (next < static_cast<int64_t>(operand(owner, 0).as_list().size())) {
    return MapItem(owner, next, owner.region_count > 1);
  }
  Value list = std::move(p.accumulator);
  PopRegion();
  if (CheckBytes(owner, list.as_list().size() * sizeof(Value))) Finish(owner, std::move(list));
}

void Machine::Repeat(const ir::Op& op) {
  if (operand(op, 0).as_int() <= 0) return Finish(op, Value(operand(op, 1)));
  Value initial = operand(op, 1);
  Enter(op, 0);
  frame().loops.push_back(0);
  position().index = 0;
  BindParams(position().region, {initial});
}

void Machine::YieldRepeat(const ir::Op& owner, Value state, bool done) {
  CloseIteration();
  Position& p = position();
  if (done || p.index + 1 >= operand(owner, 0).as_int()) {
    PopRegion();
    return Finish(owner, std::move(state));
  }
  ++p.index;
  frame().loops.back() = p.index;
  p.next = frame().function->regions[p.region].op_begin;
  BindParams(p.region, {state});
}

void Machine::EmitFor(const ir::Op& op) {
  if (operand(op, 0).as_list().empty()) return Finish(op, Value::None());
  Enter(op, 0);
  frame().loops.push_back(0);
  MapItem(op, 0, false);
}

void Machine::YieldEmitFor(const ir::Op& owner) {
  const int64_t next = position().index + 1;
  if (next < static_cast<int64_t>(operand(owner, 0).as_list().size())) return MapItem(owner, next, false);
  PopRegion();
  Finish(owner, Value::None());
}

// ---- within
// ------------------------------------------------------------------------------------------------------------

void Machine::Within(const ir::Op& op, std::span<const Value> limits) {
  auto scope = MakeLocal<Scope>();
  scope->parent = task_.scope;
  uint32_t next = 0;
  auto count = [&] { return std::max<int64_t>(limits[next++].as_int(), 0); };
  if ((op.imm & ir::kBudgetDepth) != 0) {
    scope->depth_limit = static_cast<uint32_t>(std::min<int64_t>(count(), 1'000'000)) + frame().depth;
  }
  if ((op.imm & ir::kBudgetCalls) != 0) scope->call_limit = count();
  if ((op.imm & ir::kBudgetTokens) != 0) scope->token_limit = count();
  if ((op.imm & ir::kBudgetSeconds) != 0) {
    const double seconds = std::clamp(limits[next++].as_float(), 0.0, 1e9);
    scope->deadline_us = run_.host->NowMicros() + static_cast<int64_t>(seconds * 1e6);
    run_.host->WatchDeadline(scope);
  }
  Enter(op, 0);
  position().scope = scope;
  task_.scope = std::move(scope);
}

// ---- the end of a region
// -------------------------------------------------------------------------------------------------

void Machine::CloseIteration() {
  Position& p = position();
  p.loop_turns += p.turns.Rounds();
  p.turns = {};
}

void Machine::PopRegion() {
  Frame& f = frame();
  const size_t level = f.positions.size() - 1;
  if (!task_.children.empty()) CancelChildrenFrom(task_.frames.size() - 1, level);
  Position& p = f.positions.back();
  if (p.scope != nullptr) task_.scope = p.scope->parent;
  if (p.index >= 0) f.loops.pop_back();
  Turns turns = p.turns;
  turns.nested += p.loop_turns;
  if (p.around != nullptr) {
    turns = {.nested = turns.Total(), .direct = false};
    f.path = std::move(p.around->path);
    f.loops = std::move(p.around->loops);
    f.file = p.around->file;
    --f.depth;
  }
  f.positions.pop_back();
  if (!f.positions.empty()) f.positions.back().turns.Merge(turns);
}

void Machine::Yield(const ir::Op& op) {
  std::vector<Value> values = operands(op);
  Frame& f = frame();
  const uint32_t owner_index = position().owner;
  if (owner_index == ir::kInvalidIndex) return YieldBase(values.empty() ? Value::None() : std::move(values[0]));
  const ir::Op& owner = f.function->ops[owner_index];
  if (run_.origins != nullptr) MarkYield(owner, values);
  Value first = values.empty() ? Value::None() : std::move(values[0]);
  switch (owner.code) {
    case Opcode::kFold:
      return YieldFold(owner, std::move(first));
    case Opcode::kMap:
      return YieldMap(owner, std::move(first));
    case Opcode::kRepeat:
      return YieldRepeat(owner, std::move(first), values.at(1).as_bool());
    case Opcode::kEmitFor:
      return YieldEmitFor(owner);
    default:
      PopRegion();
      return Finish(owner, std::move(first));
  }
}

// The end of a function, or of a child task's region.
void Machine::YieldBase(Value value) {
  Position& p = position();
  if (task_.frames.size() == 1 && p.filter) {
    if (run_.origins != nullptr) {
      const Origins::Id said = run_.origins->AsControl(value.origin());
      run_.origins->SetFilter(*task_.result, said);
      AddControl(said);
    }
    if (value.as_bool()) {
      Frame& f = frame();
      const uint32_t slot = f.function->regions[p.region].first_param;
      const Value item = f.values[slot];
      const Value index = f.values[slot + 1];
      p.filter = false;
      --p.region;  // the body stands before the filter
      p.next = f.function->regions[p.region].op_begin;
      BindParams(p.region, {item, index});
      return;
    }
    task_.result->dropped = true;
  }
  EndActivation(std::move(value));
}

// The frame on top is done: its value goes to the frame below, or ends the task.
void Machine::EndActivation(Value value) {
  if (!task_.children.empty()) CancelChildrenFrom(task_.frames.size() - 1, 0);
  const Turns turns = position().turns;
  task_.frames.pop_back();
  if (task_.frames.empty()) {
    task_.state = Task::State::kDone;
    task_.result->turns = turns;
    return Settle(run_, *task_.result, std::move(value));
  }
  position().turns.nested += turns.Total();
  if (frame().native != nullptr) {
    frame().native->frame.returned = std::move(value);
  } else {
    Finish(frame().op(), std::move(value));
  }
}

}  // namespace jade::interp
