#include <llvm/IR/Intrinsics.h>

#include "compiler/codegen/unit_codegen.h"
#include "compiler/ir/builtin.h"

namespace jade::codegen {

using abi::HostFunction;
using ir::Builtin;
using ir::Opcode;

bool UnitCodegen::EmitValue(const ir::Op& op) {
  auto slot = [&] { return SlotAddress(layout_.PlaceOf(op.result).index); };
  switch (op.code) {
    case Opcode::kDisplay:
      Host(HostFunction::kDisplay, {slot(), Boxed(OperandId(op, 0))});
      return true;
    case Opcode::kTextConcat:
      return EmitMade(op, HostFunction::kConcat), true;
    case Opcode::kList:
      return EmitMade(op, HostFunction::kMakeList), true;
    case Opcode::kListConcat:
      HostOrReturn(HostFunction::kConcatList, {frame_, OpNumber(op), slot(), Operand(op, 0), Operand(op, 1)});
      return true;
    case Opcode::kRecord:
      Host(HostFunction::kMakeRecord, {slot(), Arguments(OperandIds(op)), I32(op.operand_count)});
      return true;
    case Opcode::kEnum:
      Host(HostFunction::kMakeEnum,
           {slot(), I32(static_cast<uint64_t>(op.imm)), Arguments(OperandIds(op)), I32(op.operand_count)});
      return true;
    case Opcode::kMakePlan:
      Host(HostFunction::kMakePlan, {frame_, OpNumber(op), slot(), Arguments(OperandIds(op)), I32(op.operand_count)});
      return true;
    case Opcode::kIndex:
      return EmitIndex(op), true;
    case Opcode::kField: {
      LlvmValue field = At(ItemsOf(Operand(op, 0)), static_cast<uint64_t>(op.imm) * sizeof(abi::Value));
      return DefineResult(op, Unbox(RepOfResult(op), field)), true;
    }
    case Opcode::kSome:
      return EmitSome(op), true;
    case Opcode::kBuiltin:
      return EmitBuiltin(op), true;
    case Opcode::kEmitText:
      Host(HostFunction::kEmitText, {frame_, OpNumber(op)});
      return true;
    case Opcode::kEmit:
      HostOrReturn(HostFunction::kEmit, {frame_, OpNumber(op), Operand(op, 0)});
      return true;
    default:
      return false;
  }
}

// A value made of the operands by a function that may trap.
void UnitCodegen::EmitMade(const ir::Op& op, HostFunction function) {
  LlvmValue slot = SlotAddress(layout_.PlaceOf(op.result).index);
  HostOrReturn(function, {frame_, OpNumber(op), slot, Arguments(OperandIds(op)), I32(op.operand_count)});
}

void UnitCodegen::EmitIndex(const ir::Op& op) {
  LlvmValue list = Operand(op, 0);
  LlvmValue index = Operand(op, 1);
  LlvmValue count = CountOf(list);
  // A negative index is beyond every count when it is read without its sign.
  TrapIf(build_.CreateICmpUGE(index, count), HostFunction::kTrapIndex, {frame_, OpNumber(op), index, count});
  LlvmValue offset = build_.CreateMul(index, I64(sizeof(abi::Value)));
  LlvmValue item = build_.CreateInBoundsGEP(build_.getInt8Ty(), ItemsOf(list), offset);
  DefineResult(op, Unbox(RepOfResult(op), item));
}

void UnitCodegen::EmitSome(const ir::Op& op) {
  const Rep rep = RepOfValue(OperandId(op, 0));
  LlvmValue value = Operand(op, 0);
  if (rep == Rep::kBoxed) return DefineResult(op, value);
  Box(rep, value, SlotAddress(layout_.PlaceOf(op.result).index));
}

void UnitCodegen::EmitCountedRange(const ir::Op& op) {
  LlvmValue length = build_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, Operand(op, 0), I64(0));
  HostOrReturn(HostFunction::kCheckRange, {frame_, OpNumber(op), length});
  DefineResult(op, length);
}

void UnitCodegen::EmitBuiltin(const ir::Op& op) {
  if (shared_.counted[op.result.index]) return EmitCountedRange(op);
  if (EmitInlineBuiltin(op)) return;
  const Rep rep = RepOfResult(op);
  const bool boxed = rep == Rep::kBoxed;
  LlvmValue out = boxed ? SlotAddress(layout_.PlaceOf(op.result).index) : scratch_;
  HostOrReturn(HostFunction::kBuiltin, {frame_, OpNumber(op), out, Arguments(OperandIds(op)), I32(op.operand_count)});
  if (!boxed) DefineResult(op, Unbox(rep, out));
}

// Those that are a few instructions. What the interpreter charges for looking at the arguments is charged too.
bool UnitCodegen::EmitInlineBuiltin(const ir::Op& op) {
  switch (static_cast<Builtin>(op.imm)) {
    case Builtin::kLen: {
      LlvmValue count = CountOf(Operand(op, 0));
      ChargeMore(op, build_.CreateAdd(count, I64(2)));
      return DefineResult(op, count), true;
    }
    case Builtin::kMin:
    case Builtin::kMax: {
      if (RepOfResult(op) != Rep::kInt) return false;
      ChargeMore(op, I64(2));
      const bool least = static_cast<Builtin>(op.imm) == Builtin::kMin;
      const auto intrinsic = least ? llvm::Intrinsic::smin : llvm::Intrinsic::smax;
      return DefineResult(op, build_.CreateBinaryIntrinsic(intrinsic, Operand(op, 0), Operand(op, 1))), true;
    }
    case Builtin::kAbs: {
      if (RepOfResult(op) != Rep::kFloat) return false;
      ChargeMore(op, I64(1));
      return DefineResult(op, build_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, Operand(op, 0))), true;
    }
    default:
      return false;
  }
}

void UnitCodegen::ChargeMore(const ir::Op& op, LlvmValue steps) {
  LlvmValue left = build_.CreateSub(build_.CreateLoad(build_.getInt64Ty(), fuel_), steps);
  build_.CreateStore(left, fuel_);
  TrapIf(build_.CreateICmpSLT(left, I64(0)), HostFunction::kTrapFuel, {frame_, OpNumber(op)});
}

}  // namespace jade::codegen
