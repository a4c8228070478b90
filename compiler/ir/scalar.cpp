#include "compiler/ir/scalar.h"

#include "compiler/result/check.h"

namespace jade::ir {

using abi::TrapKind;
using abi::Value;
using abi::ValueKind;

std::optional<TrapKind> ApplyInt(Opcode code, int64_t a, int64_t b, int64_t* result) {
  bool overflow = false;
  switch (code) {
    case Opcode::kIntAdd:
      overflow = __builtin_add_overflow(a, b, result);
      break;
    case Opcode::kIntSub:
      overflow = __builtin_sub_overflow(a, b, result);
      break;
    case Opcode::kIntMul:
      overflow = __builtin_mul_overflow(a, b, result);
      break;
    case Opcode::kIntNeg:
      overflow = __builtin_sub_overflow(int64_t{0}, a, result);
      break;
    case Opcode::kIntDiv:
      if (b == 0) return TrapKind::kDivisionByZero;
      if (b == -1) {
        overflow = __builtin_sub_overflow(int64_t{0}, a, result);
      } else {
        *result = a / b;
      }
      break;
    case Opcode::kIntRem:
      if (b == 0) return TrapKind::kDivisionByZero;
      *result = b == -1 ? 0 : a % b;
      break;
    default:
      JADE_UNREACHABLE("`{}` is no operation on Int", OpcodeName(code));
  }
  if (overflow) return TrapKind::kIntOverflow;
  return std::nullopt;
}

std::optional<TrapKind> ApplyFloat(Opcode code, double a, double b, double* result) {
  switch (code) {
    case Opcode::kFloatAdd:
      *result = a + b;
      break;
    case Opcode::kFloatSub:
      *result = a - b;
      break;
    case Opcode::kFloatMul:
      *result = a * b;
      break;
    case Opcode::kFloatNeg:
      *result = -a;
      break;
    case Opcode::kFloatDiv:
      if (b == 0.0) return TrapKind::kDivisionByZero;
      *result = a / b;
      break;
    default:
      JADE_UNREACHABLE("`{}` is no operation on Float", OpcodeName(code));
  }
  return std::nullopt;
}

namespace {
template <typename T>
bool Ordered(Opcode code, const T& a, const T& b) {
  switch (code) {
    case Opcode::kLt:
      return a < b;
    case Opcode::kLe:
      return a <= b;
    case Opcode::kGt:
      return a > b;
    default:
      return a >= b;
  }
}
}  // namespace

bool ApplyComparison(Opcode code, const Value& a, const Value& b) {
  if (code == Opcode::kEq) return a == b;
  if (code == Opcode::kNe) return !(a == b);
  if (a.kind() == ValueKind::kInt) return Ordered(code, a.as_int(), b.as_int());
  if (a.kind() == ValueKind::kFloat) return Ordered(code, a.as_float(), b.as_float());
  return Ordered(code, a.as_text(), b.as_text());
}

const char* ScalarTrapMessage(TrapKind kind) {
  return kind == TrapKind::kDivisionByZero ? "division by zero" : "the result does not fit an Int";
}

}  // namespace jade::ir
