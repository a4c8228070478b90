#include <llvm/IR/Intrinsics.h>

#include "compiler/codegen/unit_codegen.h"

namespace jade::codegen {

using abi::HostFunction;
using abi::TrapKind;
using ir::Opcode;

bool UnitCodegen::EmitScalar(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kIntAdd:
    case Opcode::kIntSub:
    case Opcode::kIntMul:
    case Opcode::kIntDiv:
    case Opcode::kIntRem:
    case Opcode::kIntNeg:
      return EmitInt(op), true;
    case Opcode::kFloatAdd:
    case Opcode::kFloatSub:
    case Opcode::kFloatMul:
    case Opcode::kFloatDiv:
    case Opcode::kFloatNeg:
    case Opcode::kIntToFloat:
      return EmitFloat(op), true;
    case Opcode::kEq:
    case Opcode::kNe:
    case Opcode::kLt:
    case Opcode::kLe:
    case Opcode::kGt:
    case Opcode::kGe:
      return EmitComparison(op), true;
    case Opcode::kNot:
      return DefineResult(op, build_.CreateNot(Operand(op, 0))), true;
    case Opcode::kAnd:
      return DefineResult(op, build_.CreateAnd(Operand(op, 0), Operand(op, 1))), true;
    case Opcode::kOr:
      return DefineResult(op, build_.CreateOr(Operand(op, 0), Operand(op, 1))), true;
    default:
      return false;
  }
}

void UnitCodegen::TrapScalarIf(const ir::Op& op, LlvmValue condition, TrapKind kind) {
  TrapIf(condition, HostFunction::kTrapScalar, {frame_, OpNumber(op), I32(static_cast<uint32_t>(kind))});
}

void UnitCodegen::EmitOverflowing(const ir::Op& op, llvm::Intrinsic::ID intrinsic, LlvmValue a, LlvmValue b) {
  LlvmValue both = build_.CreateBinaryIntrinsic(intrinsic, a, b);
  TrapScalarIf(op, build_.CreateExtractValue(both, 1), TrapKind::kIntOverflow);
  DefineResult(op, build_.CreateExtractValue(both, 0));
}

void UnitCodegen::EmitInt(const ir::Op& op) {
  LlvmValue a = Operand(op, 0);
  switch (op.code) {
    case Opcode::kIntAdd:
      return EmitOverflowing(op, llvm::Intrinsic::sadd_with_overflow, a, Operand(op, 1));
    case Opcode::kIntSub:
      return EmitOverflowing(op, llvm::Intrinsic::ssub_with_overflow, a, Operand(op, 1));
    case Opcode::kIntMul:
      return EmitOverflowing(op, llvm::Intrinsic::smul_with_overflow, a, Operand(op, 1));
    case Opcode::kIntNeg:
      return EmitOverflowing(op, llvm::Intrinsic::ssub_with_overflow, I64(0), a);
    default:
      return EmitIntDivision(op);
  }
}

void UnitCodegen::EmitIntDivision(const ir::Op& op) {
  LlvmValue a = Operand(op, 0);
  LlvmValue b = Operand(op, 1);
  TrapScalarIf(op, build_.CreateICmpEQ(b, I64(0)), TrapKind::kDivisionByZero);
  LlvmValue minus_one = build_.CreateICmpEQ(b, I64(~uint64_t{0}));
  if (op.code == Opcode::kIntDiv) {
    LlvmValue least = build_.CreateICmpEQ(a, I64(uint64_t{1} << 63));
    TrapScalarIf(op, build_.CreateAnd(minus_one, least), TrapKind::kIntOverflow);
    return DefineResult(op, build_.CreateSDiv(a, b));
  }
  // Anything % -1 is 0; the machine's division would overflow for the least number.
  LlvmValue divisor = build_.CreateSelect(minus_one, I64(1), b);
  DefineResult(op, build_.CreateSRem(a, divisor));
}

void UnitCodegen::EmitFloat(const ir::Op& op) {
  LlvmValue a = Operand(op, 0);
  switch (op.code) {
    case Opcode::kFloatAdd:
      return DefineResult(op, build_.CreateFAdd(a, Operand(op, 1)));
    case Opcode::kFloatSub:
      return DefineResult(op, build_.CreateFSub(a, Operand(op, 1)));
    case Opcode::kFloatMul:
      return DefineResult(op, build_.CreateFMul(a, Operand(op, 1)));
    case Opcode::kFloatNeg:
      return DefineResult(op, build_.CreateFNeg(a));
    case Opcode::kIntToFloat:
      return DefineResult(op, build_.CreateSIToFP(a, build_.getDoubleTy()));
    default: {
      LlvmValue b = Operand(op, 1);
      LlvmValue zero = llvm::ConstantFP::get(build_.getDoubleTy(), 0.0);
      TrapScalarIf(op, build_.CreateFCmpOEQ(b, zero), TrapKind::kDivisionByZero);
      return DefineResult(op, build_.CreateFDiv(a, b));
    }
  }
}

void UnitCodegen::EmitComparison(const ir::Op& op) {
  static constexpr struct {
    Opcode code;
    llvm::CmpInst::Predicate of_ints;
    llvm::CmpInst::Predicate of_floats;
  } kPredicates[] = {{Opcode::kEq, llvm::CmpInst::ICMP_EQ, llvm::CmpInst::FCMP_OEQ},
                     {Opcode::kNe, llvm::CmpInst::ICMP_NE, llvm::CmpInst::FCMP_UNE},
                     {Opcode::kLt, llvm::CmpInst::ICMP_SLT, llvm::CmpInst::FCMP_OLT},
                     {Opcode::kLe, llvm::CmpInst::ICMP_SLE, llvm::CmpInst::FCMP_OLE},
                     {Opcode::kGt, llvm::CmpInst::ICMP_SGT, llvm::CmpInst::FCMP_OGT},
                     {Opcode::kGe, llvm::CmpInst::ICMP_SGE, llvm::CmpInst::FCMP_OGE}};
  LlvmValue a = Operand(op, 0);
  LlvmValue b = Operand(op, 1);
  const Rep rep = RepOfValue(OperandId(op, 0));
  for (const auto& row : kPredicates) {
    if (row.code != op.code) continue;
    if (rep == Rep::kFloat) return DefineResult(op, build_.CreateFCmp(row.of_floats, a, b));
    if (rep != Rep::kBoxed) return DefineResult(op, build_.CreateICmp(row.of_ints, a, b));
  }
  LlvmValue held = Host(HostFunction::kCompare, {I32(static_cast<uint32_t>(op.code)), a, b});
  DefineResult(op, build_.CreateICmpNE(held, I32(0)));
}

}  // namespace jade::codegen
