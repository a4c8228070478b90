#include "compiler/ir/op_rules.h"

#include <fmt/format.h>

#include <initializer_list>
#include <optional>

#include "compiler/abi/trap.h"
#include "compiler/ir/builtin.h"
#include "compiler/ir/verifier.h"

namespace jade::ir {
namespace {

using types::TypeId;
using types::TypeInfo;
using types::TypeKind;
using types::TypeTable;

class OpRules {
 public:
  OpRules(const Module& module, const Function& function, const Op& op)
      : module_(module), types_(module.types()), function_(function), op_(op), operands_(function.OperandsOf(op)) {}

  std::string Run() {
    bool awaits = op_.code == Opcode::kAwait;
    for (size_t i = 0; i < operands_.size(); ++i) {
      if (function_.values[operands_[i].index].future != (awaits && i == 0)) {
        return awaits ? "the operand is not a future" : fmt::format("operand {} is a future; only await takes one", i);
      }
    }
    bool gives_future = op_.code == Opcode::kIssue || op_.code == Opcode::kSpawn;
    if (op_.result.valid() && Value(op_.result).future != gives_future) {
      return gives_future ? "the result must be a future" : "the result cannot be a future";
    }
    Check();
    return std::move(problem_);
  }

 private:
  const ValueInfo& Value(ValueId id) const { return function_.values[id.index]; }
  TypeId Operand(size_t i) const { return i < operands_.size() ? Value(operands_[i]).type : TypeTable::Error(); }
  TypeId Result() const { return op_.result.valid() ? Value(op_.result).type : TypeTable::Error(); }
  TypeKind ResultKind() const { return types_.kind(Result()); }

  void Require(bool holds, std::string_view rule) {
    if (!holds && problem_.empty()) problem_ = rule;
  }
  // Number of operands, whether there is a result, number of regions (most: -1 is any).
  bool Shape(int operands, bool result, int least_regions = 0, int most_regions = 0) {
    if (operands >= 0 && op_.operand_count != static_cast<uint32_t>(operands)) {
      Require(false, fmt::format("takes {} operands, has {}", operands, op_.operand_count));
    }
    Require(op_.result.valid() == result, result ? "needs a result" : "has no result");
    int regions = static_cast<int>(op_.region_count);
    Require(regions >= least_regions && (most_regions < 0 || regions <= most_regions), "wrong number of regions");
    return problem_.empty();
  }
  void Types(std::initializer_list<TypeId> operands, TypeId result) {
    if (!Shape(static_cast<int>(operands.size()), true)) return;
    size_t i = 0;
    for (TypeId type : operands) Require(Operand(i++) == type, "operand of another type");
    Require(Result() == result, "result of another type");
  }
  // The region's parameters and what it yields (nothing to check when it traps).
  void Region(uint32_t index, std::initializer_list<TypeId> params, std::initializer_list<TypeId> yields) {
    const ir::Region& region = function_.RegionOf(op_, index);
    Require(region.param_count == params.size(), "region with another number of parameters");
    if (region.param_count != params.size()) return;
    uint32_t i = region.first_param;
    for (TypeId type : params)
      Require(function_.values[i++] == ValueInfo{type, false}, "region parameter of another type");
    Yields(region, yields);
  }
  void Yields(const ir::Region& region, std::initializer_list<TypeId> yields) {
    const Op& end = function_.OpsOf(region).back();
    if (end.code != Opcode::kYield) return;
    Require(end.operand_count == yields.size(), "region yields another number of values");
    if (end.operand_count != yields.size()) return;
    size_t i = 0;
    for (TypeId type : yields)
      Require(Value(function_.OperandsOf(end)[i++]).type == type, "region yields another type");
  }

  bool TextInRange(int64_t id) const { return id >= 0 && id < int64_t{module_.text_count()}; }
  void NeedText(int64_t id) { Require(TextInRange(id), "text out of range"); }

  void Check();
  void CheckScalar();
  void CheckData();
  void CheckCall();
  void CheckControl();
  void CheckEmit();
  void CheckTest();
  void CheckBuiltin();
  void CheckComparison(bool ordered);
  void CheckArguments(const std::vector<TypeId>& parameters);
  void CheckMakePlan();
  void CheckSwitch(bool emits);
  void CheckFold();
  void CheckWithin();
  bool MatchSignature(std::string_view& signature, TypeId type, std::optional<TypeId>& any);

  const Module& module_;
  const TypeTable& types_;
  const Function& function_;
  const Op& op_;
  std::span<const ValueId> operands_;
  std::string problem_;
};

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

void OpRules::CheckArguments(const std::vector<TypeId>& parameters) {
  if (parameters.size() != operands_.size())
    return Require(false, fmt::format("the callee takes {} arguments, has {}", parameters.size(), operands_.size()));
  for (size_t i = 0; i < parameters.size(); ++i) Require(Operand(i) == parameters[i], "argument of another type");
}

void OpRules::CheckCall() {
  switch (op_.code) {
    case Opcode::kIssue: {
      if (!Shape(-1, true)) return;
      if (op_.imm < 0 || op_.imm >= int64_t{module_.callee_count()}) return Require(false, "callee out of range");
      const Callee& callee = module_.callee({static_cast<uint32_t>(op_.imm)});
      std::vector<TypeId> parameters;
      for (const types::Parameter& parameter : callee.signature.parameters) parameters.push_back(parameter.type);
      CheckArguments(parameters);
      return Require(Result() == callee.signature.result, "result of another type");
    }
    case Opcode::kAwait:
      Shape(1, true);
      return Require(Result() == Operand(0), "result of another type");
    case Opcode::kSpawn:
      if (Shape(0, true, 1, 1)) Region(0, {}, {Result()});
      return;
    case Opcode::kCall: {
      if (!Shape(-1, true)) return;
      if (op_.imm < 0 || op_.imm >= int64_t{module_.function_count()}) return Require(false, "function out of range");
      const Function& callee = module_.function({static_cast<uint32_t>(op_.imm)});
      Require(callee.kind == FunctionKind::kWorkflow || callee.kind == FunctionKind::kPlan ||
                  callee.kind == FunctionKind::kReward || callee.kind == FunctionKind::kThunk,
              "this kind of function cannot be called");
      std::vector<TypeId> parameters;
      for (uint32_t i = 0; i < callee.parameter_names.size(); ++i) parameters.push_back(callee.ParameterType(i));
      CheckArguments(parameters);
      return Require(Result() == callee.result, "result of another type");
    }
    case Opcode::kRun: {
      if (!Shape(2, true)) return;
      if (!types_.IsPlan(Operand(0))) return Require(false, "the operand is a plan");
      const TypeInfo& plan = types_[Operand(0)];
      Require(Operand(1) == plan.element, "argument of another type");
      return Require(Result() == plan.result, "result of another type");
    }
    default:
      return CheckMakePlan();
  }
}

void OpRules::CheckMakePlan() {
  if (!Shape(-1, true)) return;
  if (op_.imm < 0 || op_.imm >= int64_t{module_.function_count()}) return Require(false, "function out of range");
  const Function& target = module_.function({static_cast<uint32_t>(op_.imm)});
  if (!types_.IsPlan(Result())) return Require(false, "the result is a plan");
  const TypeInfo& plan = types_[Result()];
  Require(target.kind == FunctionKind::kWorkflow || target.kind == FunctionKind::kPlan ||
              target.kind == FunctionKind::kThunk,
          "this kind of function is no plan");
  if (target.parameter_names.size() != operands_.size() + 1) return Require(false, "another number of bound arguments");
  Require(target.ParameterType(0) == plan.element && target.result == plan.result, "the function has another type");
  for (uint32_t i = 0; i < operands_.size(); ++i)
    Require(Operand(i) == target.ParameterType(i + 1), "bound argument of another type");
}

void OpRules::CheckControl() {
  constexpr TypeId kInt = TypeTable::Int(), kBool = TypeTable::Bool();
  switch (op_.code) {
    case Opcode::kIf:
      if (!Shape(1, true, 2, 2)) return;
      Require(Operand(0) == kBool, "the condition is a Bool");
      Region(0, {}, {Result()});
      return Region(1, {}, {Result()});
    case Opcode::kSwitch:
      return CheckSwitch(false);
    case Opcode::kFold:
      return CheckFold();
    case Opcode::kEach:
    case Opcode::kMap: {
      if (!Shape(1, true, 1, 2)) return;
      if (!types_.IsList(Operand(0)) || !types_.IsList(Result())) return Require(false, "operand and result are lists");
      TypeId item = types_.ElementOf(Operand(0));
      Region(0, {item, kInt}, {types_.ElementOf(Result())});
      if (op_.region_count == 2) Region(1, {item, kInt}, {kBool});
      return;
    }
    case Opcode::kRepeat:
      if (!Shape(2, true, 1, 1)) return;
      Require(Operand(0) == kInt, "the limit is an Int");
      Require(Operand(1) == Result(), "result of another type");
      return Region(0, {Result()}, {Result(), kBool});
    case Opcode::kWithin:
      return CheckWithin();
    case Opcode::kTrap:
      Shape(0, false);
      Require(op_.imm >= 0 && op_.imm <= static_cast<int64_t>(abi::TrapKind::kCancelled), "no such trap");
      Require(op_.aux_count == 1, "a trap has a message");
      if (op_.aux_count == 1) NeedText(function_.AuxOf(op_)[0]);
      return;
    default:  // kYield: its values are checked with the region they end
      Shape(-1, false);
  }
}

void OpRules::CheckFold() {
  if (!Shape(2, true, 1, -1)) return;
  if (!types_.IsList(Operand(0))) return Require(false, "the operand is a list");
  TypeId item = types_.ElementOf(Operand(0));
  Require(Operand(1) == Result(), "result of another type");
  const ir::Region& body = function_.RegionOf(op_, 0);
  uint32_t aheads = op_.region_count - 1U;
  if (body.param_count != 3 + aheads)
    return Require(false, "the body's parameters are accumulator, item, index and the futures");
  auto info = [&](uint32_t i) { return function_.values[body.first_param + i]; };
  Require(info(0) == ValueInfo{Result(), false} && info(1) == ValueInfo{item, false} &&
              info(2) == ValueInfo{TypeTable::Int(), false},
          "the body's parameters are accumulator, item, index and the futures");
  Yields(body, {Result()});
  for (uint32_t i = 0; i < aheads; ++i) {
    Require(info(3 + i).future, "what runs ahead arrives as a future");
    Region(1 + i, {item, TypeTable::Int()}, {info(3 + i).type});
  }
}

void OpRules::CheckWithin() {
  Require(op_.imm > 0 && op_.imm < 16, "unknown limits");
  if (!problem_.empty()) return;
  if (!Shape(__builtin_popcountll(static_cast<uint64_t>(op_.imm)), true, 1, 2)) return;
  size_t next = 0;
  for (int bit = kBudgetDepth; bit <= kBudgetSeconds; bit <<= 1) {
    if ((op_.imm & bit) == 0) continue;
    Require(Operand(next++) == (bit == kBudgetSeconds ? TypeTable::Float() : TypeTable::Int()),
            "limit of another type");
  }
  for (uint32_t i = 0; i < op_.region_count; ++i) Region(i, {}, {Result()});
}

void OpRules::CheckSwitch(bool emits) {
  if (!Shape(1, !emits, 1, -1)) return;
  const TypeInfo& info = types_[Operand(0)];
  bool optional = info.kind == TypeKind::kOptional;
  if (!optional && info.kind != TypeKind::kEnum) return Require(false, "the operand is an enum or optional");
  size_t cases = optional ? 2 : info.cases.size();
  std::span<const uint32_t> targets = function_.AuxOf(op_);
  if (targets.size() != cases) return Require(false, "one region a case");
  std::vector<uint32_t> uses(op_.region_count, 0);
  for (uint32_t target : targets) {
    if (target >= op_.region_count) return Require(false, "region out of range");
    ++uses[target];
  }
  for (size_t i = 0; i < cases; ++i) {
    const ir::Region& region = function_.RegionOf(op_, targets[i]);
    if (region.param_count == 0) continue;
    size_t payload = optional ? i : info.cases[i].payload.size();
    if (uses[targets[i]] != 1 || region.param_count != payload)
      return Require(false, "region parameters are its one case's payload");
    for (uint32_t p = 0; p < payload; ++p) {
      TypeId type = optional ? info.element : info.cases[i].payload[p].type;
      Require(function_.values[region.first_param + p] == ValueInfo{type, false}, "region parameter of another type");
    }
  }
  for (uint32_t r = 0; r < op_.region_count; ++r) {
    Require(uses[r] > 0, "a region no case leads to");
    if (emits) {
      Yields(function_.RegionOf(op_, r), {});
    } else {
      Yields(function_.RegionOf(op_, r), {Result()});
    }
  }
}

void OpRules::CheckEmit() {
  switch (op_.code) {
    case Opcode::kEmitText:
      Shape(0, false);
      return NeedText(op_.imm);
    case Opcode::kEmit:
      Shape(1, false);
      return Require(Operand(0) == TypeTable::Text(), "the operand is a Text");
    case Opcode::kEmitFor:
      if (!Shape(1, false, 1, 1)) return;
      if (!types_.IsList(Operand(0))) return Require(false, "the operand is a list");
      return Region(0, {types_.ElementOf(Operand(0)), TypeTable::Int()}, {});
    case Opcode::kEmitIf:
      if (!Shape(1, false, 2, 2)) return;
      Require(Operand(0) == TypeTable::Bool(), "the condition is a Bool");
      Region(0, {}, {});
      return Region(1, {}, {});
    default:
      return CheckSwitch(true);
  }
}

void OpRules::CheckTest() {
  bool callee_known = op_.imm >= 0 && op_.imm < int64_t{module_.callee_count()};
  switch (op_.code) {
    case Opcode::kReply:
      Shape(-1, false);
      Require(callee_known, "callee out of range");
      Require(!operands_.empty(), "needs a reply");
      if (!callee_known) return;
      for (size_t i = 0; i < operands_.size(); ++i) {
        const Callee& callee = module_.callee({static_cast<uint32_t>(op_.imm)});
        bool is_result = callee.kind == CalleeKind::kTool && Operand(i) == callee.signature.result;
        Require(Operand(i) == TypeTable::Text() || is_result, "a reply is a Text");
      }
      return;
    case Opcode::kExpect:
      Shape(-1, false);
      Require(operands_.size() == 1 || operands_.size() == 3, "takes a condition, or a condition and two sides");
      Require(Operand(0) == TypeTable::Bool(), "the condition is a Bool");
      return NeedText(op_.imm);
    case Opcode::kCalls:
      Require(callee_known, "callee out of range");
      return Types({}, TypeTable::Int());
    default:
      Require(callee_known, "callee out of range");
      return Types({}, TypeTable::Float());
  }
}

}  // namespace

std::string CheckOp(const Module& module, const Function& function, const Op& op) {
  return OpRules(module, function, op).Run();
}

}  // namespace jade::ir
