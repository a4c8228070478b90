// Calls, plans and the operations of tests.

#include "compiler/ir/op_rules_state.h"

namespace jade::ir {

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
    case Opcode::kEnter: {
      if (!Shape(0, true, 1, 1)) return;
      if (op_.imm < 0 || op_.imm >= int64_t{module_.function_count()}) return Require(false, "function out of range");
      const Function& entered = module_.function({static_cast<uint32_t>(op_.imm)});
      Require(entered.kind == FunctionKind::kWorkflow || entered.kind == FunctionKind::kPlan ||
                  entered.kind == FunctionKind::kThunk,
              "this kind of function cannot be entered");
      Require(Result() == entered.result, "result of another type");
      return Region(0, {}, {Result()});
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

}  // namespace jade::ir
