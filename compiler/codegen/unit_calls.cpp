#include "compiler/codegen/unit_codegen.h"

namespace jade::codegen {

using abi::HostFunction;
using abi::Progress;
using ir::Opcode;

bool UnitCodegen::EmitCall(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kIssue: {
      const Place future = layout_.PlaceOf(op.result);
      HostOrReturn(HostFunction::kIssue,
                   {frame_, OpNumber(op), Arguments(OperandIds(op)), I32(op.operand_count), I32(future.index)});
      return true;
    }
    case Opcode::kAwait:
      return EmitAwait(op), true;
    case Opcode::kSpawn: {
      uint32_t count = 0;
      LlvmValue captures = Captures(op, 0, &count);
      HostOrReturn(HostFunction::kSpawn,
                   {frame_, OpNumber(op), captures, I32(count), I32(layout_.PlaceOf(op.result).index)});
      return true;
    }
    case Opcode::kEach:
      return EmitEach(op), true;
    case Opcode::kCall:
      return EmitEnterFunction(op, HostFunction::kCall), true;
    case Opcode::kRun:
      return EmitEnterFunction(op, HostFunction::kRun), true;
    default:
      return false;
  }
}

void UnitCodegen::BeginResumption(const ir::Op& op) {
  llvm::BasicBlock* block = NewBlock("resume");
  states_->addCase(I32Constant(layout_.StateOf(static_cast<uint32_t>(&op - function_.ops.data()))), block);
  build_.SetInsertPoint(block);
}

void UnitCodegen::FallIntoResumption(const ir::Op& op) {
  llvm::BasicBlock* before = build_.GetInsertBlock();
  BeginResumption(op);
  llvm::BasicBlock* resume = build_.GetInsertBlock();
  build_.SetInsertPoint(before);
  build_.CreateBr(resume);
  build_.SetInsertPoint(resume);
}

// The state is stored before the question, so that one way leads out whether the call is done, waits or has failed.
void UnitCodegen::EmitAwait(const ir::Op& op) {
  const Rep rep = RepOfResult(op);
  StoreState(op);
  FlushFuel();
  FallIntoResumption(op);
  LlvmValue out = rep == Rep::kBoxed ? SlotAddress(layout_.PlaceOf(op.result).index) : static_cast<LlvmValue>(scratch_);
  const Place future = layout_.PlaceOf(OperandId(op, 0));
  const bool takes = shared_.takes[static_cast<uint32_t>(&op - function_.ops.data())];
  HostOrLeave(takes ? HostFunction::kTake : HostFunction::kAwait, {frame_, OpNumber(op), I32(future.index), out});
  if (rep != Rep::kBoxed) DefineResult(op, Unbox(rep, out));
}

// Returns from the unit unless the function says kDone. Fuel is in the frame before, and after.
void UnitCodegen::HostOrLeave(HostFunction function, llvm::ArrayRef<LlvmValue> arguments) {
  LlvmValue progress = Host(function, arguments);
  llvm::BasicBlock* done = NewBlock("done");
  llvm::BasicBlock* leave = NewBlock("leave");
  build_.CreateCondBr(build_.CreateICmpEQ(progress, I32(static_cast<uint32_t>(Progress::kDone))), done, leave);
  build_.SetInsertPoint(leave);
  Return();
  build_.SetInsertPoint(done);
  ReloadFuel();
}

UnitCodegen::LlvmValue UnitCodegen::Captures(const ir::Op& op, uint32_t region, uint32_t* count) {
  const FrameLayout& child = shared_.UnitOf(op.first_region.index + region);
  *count = static_cast<uint32_t>(child.captures().size());
  return Arguments(child.captures());
}

void UnitCodegen::EmitEach(const ir::Op& op) {
  uint32_t count = 0;
  LlvmValue captures = Captures(op, 0, &count);
  LlvmValue list = Operand(op, 0);
  StoreState(op);
  FlushFuel();
  Host(HostFunction::kBeginEach, {frame_, OpNumber(op), list, captures, I32(count)});
  FallIntoResumption(op);
  HostOrLeave(HostFunction::kJoinEach, {frame_, OpNumber(op), SlotAddress(layout_.PlaceOf(op.result).index)});
}

void UnitCodegen::EmitAhead(const ir::Op& op) {
  for (uint32_t region = 1; region < op.region_count; ++region) {
    uint32_t count = 0;
    LlvmValue captures = Captures(op, region, &count);
    FlushFuel();
    Host(HostFunction::kAhead, {frame_, OpNumber(op), I32(region), Operand(op, 0), captures, I32(count)});
    ReloadFuel();
  }
}

// The function runs on top of this frame; the unit is entered again when it has returned.
void UnitCodegen::EmitEnterFunction(const ir::Op& op, HostFunction function) {
  const Rep rep = RepOfResult(op);
  LlvmValue arguments = Arguments(OperandIds(op));
  StoreState(op);
  FlushFuel();
  Host(function, {frame_, OpNumber(op), arguments, I32(op.operand_count)});
  Return();
  BeginResumption(op);
  LlvmValue returned = At(frame_, offsetof(abi::NativeFrame, returned));
  ReloadFuel();
  if (rep == Rep::kBoxed) {
    Host(HostFunction::kMove, {SlotAddress(layout_.PlaceOf(op.result).index), returned});
  } else {
    DefineResult(op, Unbox(rep, returned));
  }
}

}  // namespace jade::codegen
