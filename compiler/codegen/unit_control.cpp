#include <utility>

#include "compiler/codegen/unit_codegen.h"

namespace jade::codegen {

using abi::HostFunction;
using ir::Opcode;

UnitCodegen::Yield UnitCodegen::EmitRegion(uint32_t region) {
  const ir::Region& code = function_.regions[region];
  uint32_t charged = code.op_begin;
  for (uint32_t i = code.op_begin; i < code.op_begin + code.op_count; ++i) {
    const ir::Op& op = function_.ops[i];
    SetLocation(op);
    if (i == charged) charged = Charge(code, i);
    if (op.code == Opcode::kTrap) {
      FlushFuel();
      Host(HostFunction::kTrapHere, {frame_, OpNumber(op)});
      Return();
      build_.SetInsertPoint(NewBlock("dead"));
      return std::nullopt;
    }
    if (op.code != Opcode::kYield) {
      EmitOp(op);
      continue;
    }
    std::vector<LlvmValue> values;
    for (const ir::ValueId value : function_.OperandsOf(op)) values.push_back(Use(value));
    return values;
  }
  JADE_UNREACHABLE("region {} of `{}` has no end", region, function_.name);
}

void UnitCodegen::EmitOp(const ir::Op& op) {
  if (IsConstant(op.code) || op.code == Opcode::kCast) return;  // see Use
  if (EmitScalar(op) || EmitValue(op) || EmitControl(op) || EmitCall(op)) return;
  JADE_UNREACHABLE("no code for `{}`", ir::OpcodeName(op.code));
}

bool UnitCodegen::EmitControl(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kIf:
    case Opcode::kEmitIf:
      return EmitIf(op), true;
    case Opcode::kSwitch:
    case Opcode::kEmitSwitch:
      return EmitSwitch(op), true;
    case Opcode::kFold:
      return Keeps(op, 0) ? EmitHeavyFold(op) : EmitLightFold(op), true;
    case Opcode::kMap:
      return EmitMap(op), true;
    case Opcode::kEmitFor:
      return EmitEmitFor(op), true;
    case Opcode::kRepeat:
      return Keeps(op, 0) ? EmitHeavyRepeat(op) : EmitLightRepeat(op), true;
    case Opcode::kWithin:
      return EmitWithin(op), true;
    case Opcode::kEnter:
      return EmitEnter(op), true;
    default:
      return false;
  }
}

void UnitCodegen::Enter(const ir::Op& op, uint32_t region, bool loop) {
  Host(HostFunction::kEnter, {frame_, OpNumber(op), I32(op.first_region.index + region), I32(loop ? 1 : 0)});
}

// ---- one region of several ----

void UnitCodegen::EmitArm(const ir::Op& op, uint32_t region, llvm::BasicBlock* join) {
  const Yield values = EmitRegion(op.first_region.index + region);
  if (!values) return;
  if (Keeps(op, region)) Leave();
  arms_.push_back({values->empty() ? nullptr : values->front(), build_.GetInsertBlock()});
  build_.CreateBr(join);
}

void UnitCodegen::JoinArms(const ir::Op& op, llvm::BasicBlock* join, size_t first_arm) {
  build_.SetInsertPoint(join);
  if (op.result.valid()) {
    llvm::Type* type = TypeOf(RepOfResult(op));
    LlvmValue result = llvm::PoisonValue::get(type);
    if (arms_.size() > first_arm) {
      llvm::PHINode* phi = build_.CreatePHI(type, static_cast<unsigned>(arms_.size() - first_arm));
      // An arm that only traps in the end may yield a value of no type.
      for (size_t i = first_arm; i < arms_.size(); ++i) phi->addIncoming(arms_[i].value, arms_[i].end);
      result = phi;
    }
    DefineResult(op, result);
  }
  arms_.resize(first_arm);
}

void UnitCodegen::EmitIf(const ir::Op& op) {
  llvm::BasicBlock* blocks[2] = {NewBlock("then"), NewBlock("else")};
  llvm::BasicBlock* join = NewBlock("join");
  const size_t first_arm = arms_.size();
  build_.CreateCondBr(Operand(op, 0), blocks[0], blocks[1]);
  for (uint32_t region = 0; region < 2; ++region) {
    build_.SetInsertPoint(blocks[region]);
    if (Keeps(op, region)) Enter(op, region, false);
    EmitArm(op, region, join);
  }
  JoinArms(op, join, first_arm);
}

void UnitCodegen::EmitSwitch(const ir::Op& op) {
  const bool optional = module_.types().IsOptional(function_.values[OperandId(op, 0).index].type);
  LlvmValue subject = Operand(op, 0);
  LlvmValue chosen = nullptr;
  if (optional) {
    LlvmValue kind = build_.CreateLoad(build_.getInt8Ty(), subject);
    chosen = build_.CreateZExt(build_.CreateICmpNE(kind, build_.getInt8(0)), build_.getInt32Ty());
  } else {
    chosen = build_.CreateLoad(build_.getInt32Ty(), At(subject, abi::kValueCaseOffset));
  }
  llvm::BasicBlock* join = NewBlock("join");
  llvm::BasicBlock* impossible = NewBlock("impossible");
  const std::span<const uint32_t> cases = function_.AuxOf(op);
  llvm::SwitchInst* jump = build_.CreateSwitch(chosen, impossible, static_cast<unsigned>(cases.size()));
  build_.SetInsertPoint(impossible);
  build_.CreateUnreachable();
  const size_t first_arm = arms_.size();
  for (uint32_t region = 0; region < op.region_count; ++region) {
    llvm::BasicBlock* block = NewBlock("case");
    for (size_t i = 0; i < cases.size(); ++i) {
      if (cases[i] == region) jump->addCase(I32Constant(i), block);
    }
    build_.SetInsertPoint(block);
    if (Keeps(op, region)) Enter(op, region, false);
    const ir::Region& code = function_.RegionOf(op, region);
    if (code.param_count > 0) {
      LlvmValue data = optional ? subject : ItemsOf(subject);
      for (uint32_t i = 0; i < code.param_count; ++i) DefineItem(code, i, data, I64(i));
    }
    EmitArm(op, region, join);
  }
  JoinArms(op, join, first_arm);
}

void UnitCodegen::EmitWithin(const ir::Op& op) {
  llvm::BasicBlock* join = NewBlock("join");
  const size_t first_arm = arms_.size();
  LlvmValue limits = Arguments(OperandIds(op));
  HostOrReturn(HostFunction::kWithin, {frame_, OpNumber(op), limits, I32(op.operand_count)});
  EmitArm(op, 0, join);
  if (op.region_count > 1) {
    BeginResumption(op);
    EmitArm(op, 1, join);
  }
  JoinArms(op, join, first_arm);
}

void UnitCodegen::EmitEnter(const ir::Op& op) {
  HostOrReturn(HostFunction::kEnterInlined, {frame_, OpNumber(op)});
  llvm::BasicBlock* join = NewBlock("join");
  const size_t first_arm = arms_.size();
  const uint32_t around = std::exchange(file_, module_.function({static_cast<uint32_t>(op.imm)}).file);
  EmitArm(op, 0, join);
  file_ = around;
  JoinArms(op, join, first_arm);
}

// ---- loops ----

UnitCodegen::LlvmValue UnitCodegen::ItemsOf(LlvmValue value) {
  LlvmValue object = build_.CreateLoad(build_.getPtrTy(), At(value, abi::kValueBitsOffset));
  return build_.CreateLoad(build_.getPtrTy(), At(object, abi::kItemsBeginOffset));
}

UnitCodegen::LlvmValue UnitCodegen::CountOf(LlvmValue value) {
  LlvmValue object = build_.CreateLoad(build_.getPtrTy(), At(value, abi::kValueBitsOffset));
  LlvmValue begin = build_.CreateLoad(build_.getInt64Ty(), At(object, abi::kItemsBeginOffset));
  LlvmValue end = build_.CreateLoad(build_.getInt64Ty(), At(object, abi::kItemsEndOffset));
  return build_.CreateExactUDiv(build_.CreateSub(end, begin), I64(sizeof(abi::Value)));
}

void UnitCodegen::DefineItem(const ir::Region& body, uint32_t param, LlvmValue data, LlvmValue index) {
  const uint32_t value = body.first_param + param;
  LlvmValue offset = build_.CreateMul(index, I64(sizeof(abi::Value)));
  Define(value, Unbox(RepOfValue({value}), build_.CreateInBoundsGEP(build_.getInt8Ty(), data, offset)));
}

// The next state of a loop. What the body made for nothing else is exchanged for the old state, whose memory the body
// may use again.
void UnitCodegen::StoreNext(const ir::Op& op, Place state, Rep rep, LlvmValue value) {
  const ir::Region& body = function_.RegionOf(op, 0);
  const ir::Op& yield = function_.ops[body.op_begin + body.op_count - 1];
  const ir::ValueId next = FrameLayout::Root(function_, shared_.definers, OperandId(yield, 0));
  const uint32_t definer = shared_.definers[next.index];
  const bool made_here = definer != ir::kInvalidIndex && definer >= body.op_begin &&
                         definer < body.op_begin + body.op_count && layout_.PlaceOf(next).home == Home::kSlot;
  if (state.home != Home::kSlot || !made_here) return StoreState(state, rep, value);
  LlvmValue slot = SlotAddress(state.index);
  for (uint64_t half = 0; half < sizeof(abi::Value); half += 8) {
    LlvmValue old = build_.CreateLoad(build_.getInt64Ty(), At(slot, half));
    build_.CreateStore(build_.CreateLoad(build_.getInt64Ty(), At(value, half)), At(slot, half));
    build_.CreateStore(old, At(value, half));
  }
}

void UnitCodegen::StoreState(Place state, Rep rep, LlvmValue value) {
  if (state.home == Home::kSlot) {
    Host(HostFunction::kAssign, {SlotAddress(state.index), value});
  } else {
    JADE_CHECK(rep != Rep::kBoxed);
    build_.CreateStore(value, WordAddress(state.index));
  }
}

// A loop in whose body nothing waits: index and state are in registers. `count` is at least 1. The body is made by
// `body`, which is given the index and the state and returns the next state and, as i1, whether to stop early.
template <typename Body>
UnitCodegen::LlvmValue UnitCodegen::Loop(LlvmValue count, LlvmValue initial, Body body) {
  llvm::BasicBlock* before = build_.GetInsertBlock();
  llvm::BasicBlock* head = NewBlock("loop");
  llvm::BasicBlock* after = NewBlock("after");
  build_.CreateBr(head);
  build_.SetInsertPoint(head);
  llvm::PHINode* index = build_.CreatePHI(build_.getInt64Ty(), 2, "i");
  index->addIncoming(I64(0), before);
  llvm::PHINode* state = nullptr;
  if (initial != nullptr) {
    state = build_.CreatePHI(initial->getType(), 2, "state");
    state->addIncoming(initial, before);
  }
  const std::optional<LoopStep> step = body(index, state);
  if (!step) {
    build_.SetInsertPoint(after);
    return initial == nullptr ? nullptr : llvm::PoisonValue::get(initial->getType());
  }
  LlvmValue next = build_.CreateAdd(index, I64(1));
  LlvmValue more = build_.CreateICmpSLT(next, count);
  if (step->stop != nullptr) more = build_.CreateAnd(more, build_.CreateNot(step->stop));
  llvm::BasicBlock* last = build_.GetInsertBlock();
  build_.CreateCondBr(more, head, after);
  index->addIncoming(next, last);
  if (state != nullptr) state->addIncoming(step->state, last);
  build_.SetInsertPoint(after);
  return step->state;
}

// Runs `loop` when there is something to run over; gives its state, or the initial one.
template <typename Make>
UnitCodegen::LlvmValue UnitCodegen::UnlessEmpty(LlvmValue count, LlvmValue initial, Make loop) {
  llvm::BasicBlock* some = NewBlock("some");
  llvm::BasicBlock* join = NewBlock("join");
  llvm::BasicBlock* before = build_.GetInsertBlock();
  build_.CreateCondBr(build_.CreateICmpSGT(count, I64(0)), some, join);
  build_.SetInsertPoint(some);
  LlvmValue state = loop();
  llvm::BasicBlock* last = build_.GetInsertBlock();
  build_.CreateBr(join);
  build_.SetInsertPoint(join);
  if (initial == nullptr) return nullptr;
  llvm::PHINode* result = build_.CreatePHI(initial->getType(), 2);
  result->addIncoming(initial, before);
  result->addIncoming(state, last);
  return result;
}

UnitCodegen::Items UnitCodegen::ItemsOfLoop(const ir::Op& op) {
  LlvmValue list = Operand(op, 0);
  if (shared_.counted[OperandId(op, 0).index]) return {nullptr, list};
  return {ItemsOf(list), CountOf(list)};
}

void UnitCodegen::DefineLoopItem(const ir::Region& body, uint32_t param, const Items& items, LlvmValue index) {
  if (items.data != nullptr) return DefineItem(body, param, items.data, index);
  Define(body.first_param + param, index);
}

void UnitCodegen::EmitLightFold(const ir::Op& op) {
  const Items items = ItemsOfLoop(op);
  LlvmValue initial = Operand(op, 1);
  const Rep rep = RepOfResult(op);
  const ir::Region& body = function_.RegionOf(op, 0);
  const Place state = layout_.PlaceOf(op.result);
  if (rep == Rep::kBoxed) StoreState(state, rep, initial);
  LlvmValue carried = rep == Rep::kBoxed ? nullptr : initial;
  LlvmValue result = UnlessEmpty(items.count, carried, [&] {
    return Loop(items.count, carried, [&](LlvmValue index, LlvmValue accumulator) -> std::optional<LoopStep> {
      if (accumulator != nullptr) Define(body.first_param, accumulator);
      DefineLoopItem(body, 1, items, index);
      Define(body.first_param + 2, index);
      const Yield next = EmitRegion(op.first_region.index);
      if (!next) return std::nullopt;
      if (rep == Rep::kBoxed) StoreNext(op, state, rep, next->front());
      return LoopStep{rep == Rep::kBoxed ? nullptr : next->front(), nullptr};
    });
  });
  if (result != nullptr) DefineResult(op, result);
}

void UnitCodegen::EmitLightRepeat(const ir::Op& op) {
  LlvmValue count = Operand(op, 0);
  LlvmValue initial = Operand(op, 1);
  const Rep rep = RepOfResult(op);
  const ir::Region& body = function_.RegionOf(op, 0);
  const Place state = layout_.PlaceOf(op.result);
  if (rep == Rep::kBoxed) StoreState(state, rep, initial);
  LlvmValue carried = rep == Rep::kBoxed ? nullptr : initial;
  LlvmValue result = UnlessEmpty(count, carried, [&] {
    return Loop(count, carried, [&](LlvmValue, LlvmValue value) -> std::optional<LoopStep> {
      if (value != nullptr) Define(body.first_param, value);
      const Yield next = EmitRegion(op.first_region.index);
      if (!next) return std::nullopt;
      if (rep == Rep::kBoxed) StoreNext(op, state, rep, next->front());
      return LoopStep{rep == Rep::kBoxed ? nullptr : next->front(), (*next)[1]};
    });
  });
  if (result != nullptr) DefineResult(op, result);
}

// A loop without a state and without waits; the runtime is told of its rounds when they have a place in paths.
template <typename Body>
void UnitCodegen::EachItem(const ir::Op& op, LlvmValue count, Body body) {
  bool keeps = false;
  for (uint32_t region = 0; region < op.region_count; ++region) keeps = keeps || Keeps(op, region);
  UnlessEmpty(count, nullptr, [&] {
    if (keeps) Enter(op, 0, true);
    LlvmValue none = Loop(count, nullptr, [&](LlvmValue index, LlvmValue) -> std::optional<LoopStep> {
      if (keeps) Host(HostFunction::kNext, {frame_, index});
      return body(index);
    });
    if (keeps) Leave();
    return none;
  });
}

void UnitCodegen::EmitMap(const ir::Op& op) {
  const Items items = ItemsOfLoop(op);
  LlvmValue made = SlotAddress(layout_.PlaceOf(op.result).index);
  Host(HostFunction::kBeginItems, {made, items.count});
  EachItem(op, items.count, [&](LlvmValue index) { return MapItem(op, made, items, index); });
  HostOrReturn(HostFunction::kEndItems, {frame_, OpNumber(op), made});
}

std::optional<UnitCodegen::LoopStep> UnitCodegen::MapItem(const ir::Op& op, LlvmValue made, const Items& items,
                                                          LlvmValue index) {
  llvm::BasicBlock* next = NewBlock("next");
  if (op.region_count > 1) {
    const ir::Region& filter = function_.RegionOf(op, 1);
    DefineLoopItem(filter, 0, items, index);
    Define(filter.first_param + 1, index);
    const Yield kept = EmitRegion(op.first_region.index + 1);
    if (!kept) return std::nullopt;
    llvm::BasicBlock* keep = NewBlock("keep");
    build_.CreateCondBr(kept->front(), keep, next);
    build_.SetInsertPoint(keep);
  }
  const ir::Region& body = function_.RegionOf(op, 0);
  DefineLoopItem(body, 0, items, index);
  Define(body.first_param + 1, index);
  if (const Yield item = EmitRegion(op.first_region.index)) {
    const ir::Op& yield = function_.ops[body.op_begin + body.op_count - 1];
    PushItem(made, RepOfValue(OperandId(yield, 0)), item->front());
    build_.CreateBr(next);
  }
  build_.SetInsertPoint(next);
  return LoopStep{nullptr, nullptr};
}

// The list has room, because it was made with room for every item.
void UnitCodegen::PushItem(LlvmValue list, Rep rep, LlvmValue item) {
  if (rep == Rep::kBoxed) {
    Host(HostFunction::kPushItem, {list, item});
    return;
  }
  LlvmValue object = build_.CreateLoad(build_.getPtrTy(), At(list, abi::kValueBitsOffset));
  LlvmValue end_address = At(object, abi::kItemsEndOffset);
  LlvmValue end = build_.CreateLoad(build_.getPtrTy(), end_address);
  Box(rep, item, end);
  build_.CreateStore(At(end, sizeof(abi::Value)), end_address);
}

void UnitCodegen::EmitEmitFor(const ir::Op& op) {
  const Items items = ItemsOfLoop(op);
  const ir::Region& body = function_.RegionOf(op, 0);
  EachItem(op, items.count, [&](LlvmValue index) -> std::optional<LoopStep> {
    DefineLoopItem(body, 0, items, index);
    Define(body.first_param + 1, index);
    if (!EmitRegion(op.first_region.index)) return std::nullopt;
    return LoopStep{nullptr, nullptr};
  });
}

// A loop whose body waits: index and state are in the frame. `count` is made anew before each iteration.
template <typename Count, typename Body>
void UnitCodegen::WaitingLoop(const ir::Op& op, Count count, Body body) {
  const LoopPlace& place = layout_.LoopOf(static_cast<uint32_t>(&op - function_.ops.data()));
  const Rep rep = RepOfResult(op);
  StoreState(place.state, rep, Operand(op, 1));
  llvm::BasicBlock* some = NewBlock("some");
  llvm::BasicBlock* head = NewBlock("loop");
  llvm::BasicBlock* again = NewBlock("again");
  llvm::BasicBlock* leave = NewBlock("leave");
  llvm::BasicBlock* after = NewBlock("after");
  build_.CreateCondBr(build_.CreateICmpSGT(count(), I64(0)), some, after);
  build_.SetInsertPoint(some);
  Enter(op, 0, true);
  build_.CreateStore(I64(0), WordAddress(place.index_word));
  if (op.code == Opcode::kFold) EmitAhead(op);
  build_.CreateBr(head);
  build_.SetInsertPoint(head);
  const std::optional<LoopStep> step = body(build_.CreateLoad(build_.getInt64Ty(), WordAddress(place.index_word)));
  if (step) {
    StoreNext(op, place.state, rep, step->state);
    LlvmValue next = build_.CreateAdd(build_.CreateLoad(build_.getInt64Ty(), WordAddress(place.index_word)), I64(1));
    LlvmValue more = build_.CreateICmpSLT(next, count());
    if (step->stop != nullptr) more = build_.CreateAnd(more, build_.CreateNot(step->stop));
    build_.CreateCondBr(more, again, leave);
    build_.SetInsertPoint(again);
    Host(HostFunction::kNext, {frame_, next});
    build_.CreateStore(next, WordAddress(place.index_word));
    build_.CreateBr(head);
  } else {
    build_.SetInsertPoint(again);
    build_.CreateUnreachable();
  }
  build_.SetInsertPoint(leave);
  Leave();
  build_.CreateBr(after);
  build_.SetInsertPoint(after);
}

void UnitCodegen::EmitHeavyFold(const ir::Op& op) {
  const ir::Region& body = function_.RegionOf(op, 0);
  WaitingLoop(
      op, [&] { return CountOf(Operand(op, 0)); },
      [&](LlvmValue index) -> std::optional<LoopStep> {
        DefineItem(body, 1, ItemsOf(Operand(op, 0)), index);
        Define(body.first_param + 2, index);
        if (body.param_count > 3) {
          const Place first = layout_.PlaceOf({body.first_param + 3});
          Host(HostFunction::kBindAhead, {frame_, OpNumber(op), index, I32(first.index)});
        }
        const Yield next = EmitRegion(op.first_region.index);
        if (!next) return std::nullopt;
        return LoopStep{next->front(), nullptr};
      });
}

void UnitCodegen::EmitHeavyRepeat(const ir::Op& op) {
  WaitingLoop(
      op, [&] { return Operand(op, 0); },
      [&](LlvmValue) -> std::optional<LoopStep> {
        const Yield next = EmitRegion(op.first_region.index);
        if (!next) return std::nullopt;
        return LoopStep{next->front(), (*next)[1]};
      });
}

}  // namespace jade::codegen
