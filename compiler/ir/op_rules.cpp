#include "compiler/ir/op_rules.h"

#include "compiler/ir/builtin.h"
#include "compiler/ir/op_rules_state.h"
#include "compiler/ir/verifier.h"

namespace jade::ir {

void OpRules::Check() {
  if (op_.code <= Opcode::kParam || (op_.code >= Opcode::kIntAdd && op_.code <= Opcode::kTextConcat))
    return CheckScalar();
  if (op_.code <= Opcode::kBuiltin) return CheckData();
  if (op_.code <= Opcode::kMakePlan) return CheckCall();
  if (op_.code <= Opcode::kYield) return CheckControl();
  if (op_.code <= Opcode::kEmitSwitch) return CheckEmit();
  CheckTest();
}

void OpRules::CheckScalar() {
  constexpr TypeId kInt = TypeTable::Int(), kFloat = TypeTable::Float(), kBool = TypeTable::Bool(),
                   kText = TypeTable::Text();
  switch (op_.code) {
    case Opcode::kConstBool:
      Require(op_.imm == 0 || op_.imm == 1, "not a truth value");
      return Types({}, kBool);
    case Opcode::kConstInt:
      return Types({}, kInt);
    case Opcode::kConstFloat:
      return Types({}, kFloat);
    case Opcode::kConstText:
      NeedText(op_.imm);
      return Types({}, kText);
    case Opcode::kNone:
      Shape(0, true);
      return Require(types_.IsOptional(Result()), "`none` has an optional type");
    case Opcode::kParam: {
      bool known = op_.imm >= 0 && op_.imm < static_cast<int64_t>(module_.params().size());
      Require(known, "param out of range");
      if (known) Types({}, module_.params()[static_cast<size_t>(op_.imm)].type);
      return;
    }
    case Opcode::kIntAdd:
    case Opcode::kIntSub:
    case Opcode::kIntMul:
    case Opcode::kIntDiv:
    case Opcode::kIntRem:
      return Types({kInt, kInt}, kInt);
    case Opcode::kIntNeg:
      return Types({kInt}, kInt);
    case Opcode::kFloatAdd:
    case Opcode::kFloatSub:
    case Opcode::kFloatMul:
    case Opcode::kFloatDiv:
      return Types({kFloat, kFloat}, kFloat);
    case Opcode::kFloatNeg:
      return Types({kFloat}, kFloat);
    case Opcode::kIntToFloat:
      return Types({kInt}, kFloat);
    case Opcode::kEq:
    case Opcode::kNe:
      return CheckComparison(false);
    case Opcode::kLt:
    case Opcode::kLe:
    case Opcode::kGt:
    case Opcode::kGe:
      return CheckComparison(true);
    case Opcode::kNot:
      return Types({kBool}, kBool);
    case Opcode::kAnd:
    case Opcode::kOr:
      return Types({kBool, kBool}, kBool);
    case Opcode::kDisplay:
      Types({Operand(0)}, kText);
      return Require(types_.IsPrintable(Operand(0)), "the operand has no text form");
    default:  // kTextConcat
      Shape(-1, true);
      for (size_t i = 0; i < operands_.size(); ++i) Require(Operand(i) == kText, "operand of another type");
      return Require(Result() == kText, "result of another type");
  }
}

void OpRules::CheckComparison(bool ordered) {
  Types({Operand(0), Operand(0)}, TypeTable::Bool());
  TypeId type = Operand(0);
  bool scalar = type == TypeTable::Int() || type == TypeTable::Float() || type == TypeTable::Text();
  Require(!ordered || scalar, "only Int, Float and Text are ordered");
}

void OpRules::CheckData() {
  switch (op_.code) {
    case Opcode::kList:
      if (!Shape(-1, true)) return;
      Require(types_.IsList(Result()), "the result is a list");
      for (size_t i = 0; i < operands_.size(); ++i)
        Require(Operand(i) == types_.ElementOf(Result()), "item of another type");
      return;
    case Opcode::kListConcat:
      Require(types_.IsList(Result()), "the result is a list");
      return Types({Result(), Result()}, Result());
    case Opcode::kIndex:
      Require(types_.IsList(Operand(0)), "the operand is a list");
      return Types({Operand(0), TypeTable::Int()}, types_.ElementOf(Operand(0)));
    case Opcode::kRecord:
    case Opcode::kEnum: {
      if (!Shape(-1, true)) return;
      bool record = op_.code == Opcode::kRecord;
      if (ResultKind() != (record ? TypeKind::kRecord : TypeKind::kEnum))
        return Require(false, "result of another type");
      const TypeInfo& info = types_[Result()];
      bool known = record || (op_.imm >= 0 && op_.imm < static_cast<int64_t>(info.cases.size()));
      if (!known) return Require(false, "case out of range");
      const auto& fields = record ? info.fields : info.cases[static_cast<size_t>(op_.imm)].payload;
      Require(fields.size() == operands_.size(), "another number of fields");
      for (size_t i = 0; i < fields.size(); ++i) Require(Operand(i) == fields[i].type, "field of another type");
      return;
    }
    case Opcode::kField: {
      if (!Shape(1, true)) return;
      const TypeInfo& info = types_[Operand(0)];
      bool known = info.kind == TypeKind::kRecord && op_.imm >= 0 && op_.imm < static_cast<int64_t>(info.fields.size());
      if (!known) return Require(false, "the operand has no such field");
      return Require(Result() == info.fields[static_cast<size_t>(op_.imm)].type, "result of another type");
    }
    case Opcode::kSome:
      Shape(1, true);
      return Require(types_.IsOptional(Result()) && types_.ElementOf(Result()) == Operand(0),
                     "the result is the operand's optional");
    case Opcode::kCast:
      Shape(1, true);
      return Require(SameRepresentation(types_, Operand(0), Result()), "the types differ in more than name");
    default:
      return CheckBuiltin();
  }
}

// Consumes one type of a builtin's signature and matches it; letters other than T, I, F, B are bound by their first
// use.
bool OpRules::MatchSignature(std::string_view& signature, TypeId type, std::optional<TypeId>& any) {
  if (signature.empty()) return false;
  bool list = signature[0] == '[';
  if (list) {
    if (!types_.IsList(type)) return false;
    type = types_.ElementOf(type);
    signature.remove_prefix(1);
  }
  char letter = signature[0];
  signature.remove_prefix(list ? 2 : 1);
  if (!signature.empty() && signature[0] == '?') {
    signature.remove_prefix(1);
    if (!types_.IsOptional(type)) return false;
    // Optionals do not nest: the optional of `a` is `a` itself where that is one.
    if (letter == 'a' && any && types_.IsOptional(*any)) return type == *any;
    type = types_.ElementOf(type);
  }
  switch (letter) {
    case 'T':
      return type == TypeTable::Text();
    case 'I':
      return type == TypeTable::Int();
    case 'F':
      return type == TypeTable::Float();
    case 'B':
      return type == TypeTable::Bool();
    default:
      if (any) return type == *any;
      any = type;
      return letter == 'a' || types_.IsNumber(type);
  }
}

void OpRules::CheckBuiltin() {
  if (op_.imm < 0 || op_.imm >= kBuiltinCount) return Require(false, "builtin out of range");
  std::string_view signature = BuiltinSignature(static_cast<Builtin>(op_.imm));
  std::optional<TypeId> any;
  if (!Shape(-1, true)) return;
  for (size_t i = 0; i < operands_.size(); ++i) {
    bool more = !signature.empty() && signature[0] != '>';
    if (!more || !MatchSignature(signature, Operand(i), any)) return Require(false, "operands do not fit the builtin");
  }
  if (signature.empty() || signature[0] != '>') return Require(false, "operands do not fit the builtin");
  signature.remove_prefix(1);
  Require(MatchSignature(signature, Result(), any), "result of another type");
}

std::string CheckOp(const Module& module, const Function& function, const Op& op) {
  return OpRules(module, function, op).Run();
}

}  // namespace jade::ir
