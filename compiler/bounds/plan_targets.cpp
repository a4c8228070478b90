#include "compiler/bounds/plan_targets.h"

#include <span>

namespace jade::bounds {
namespace {

using ir::Function;
using ir::FunctionId;
using ir::Op;
using ir::Opcode;
using ir::Region;
using ir::ValueId;
using Kind = PlanTarget::Kind;

void AddFunctions(const ir::Module& module, const StageNode& node, std::vector<FunctionId>& functions) {
  if (node.kind == StageNode::Kind::kStage) {
    const FunctionId function = module.FindFunction(node.name);
    if (function.valid()) functions.push_back(function);
    return;  // a sub-plan is a plan of its own
  }
  for (const StageNode& child : node.children) AddFunctions(module, child, functions);
}

}  // namespace

// Sets grow until nothing changes.
class PlanFlow {
 public:
  PlanFlow(const ir::Module& module, PlanTargets& targets) : module_(module), targets_(targets) {}

  void Run() {
    for (uint32_t i = 0; i < module_.callee_count(); ++i) {
      const ir::Callee& callee = module_.callee(ir::CalleeId{i});
      if (callee.kind != ir::CalleeKind::kPlanner) continue;
      PlannerText text{ir::CalleeId{i}, {}, callee.uses};
      if (!callee.stages.empty()) text.stages = ReadStages(callee.stages);
      AddSubPlans(text.stages);
      for (const std::string& name : text.uses) AnyParameter(name);
      targets_.planners_.emplace(i, std::move(text));
    }
    do {
      changed_ = false;
      for (uint32_t i = 0; i < module_.function_count(); ++i) Visit(i);
    } while (changed_);
    for (const auto& [place, set] : targets_.by_value_) {
      for (const PlanTarget& target : set) {
        if (target.kind != Kind::kAny) targets_.all_.insert(target);
      }
    }
    for (auto& [place, set] : targets_.by_value_) {
      if (set.erase(PlanTarget{}) > 0) set.insert(targets_.all_.begin(), targets_.all_.end());
    }
  }

 private:
  bool HoldsPlan(const Function& function, ValueId value) const {
    return module_.types().ContainsPlan(function.values[value.index].type);
  }

  void Add(uint32_t function, ValueId value, PlanTarget target) {
    if (targets_.by_value_[{function, value.index}].insert(target).second) changed_ = true;
  }

  void Flow(uint32_t from_function, ValueId from, uint32_t to_function, ValueId to) {
    const auto found = targets_.by_value_.find({from_function, from.index});
    if (found == targets_.by_value_.end()) return;
    const PlanTargetSet source = found->second;
    for (const PlanTarget& target : source) Add(to_function, to, target);
  }

  // "QDS([R] AG)": what QDS is given for its plan.
  void AddSubPlans(const StageNode& node) {
    if (node.kind != StageNode::Kind::kStage) {
      for (const StageNode& child : node.children) AddSubPlans(child);
      return;
    }
    if (node.children.empty()) return;
    AddSubPlans(node.children[0]);
    targets_.patterns_.push_back(node.children[0]);
    ForPlanParameters(node.name, {Kind::kPattern, static_cast<uint32_t>(targets_.patterns_.size() - 1)});
  }

  // A block may give a function any plan.
  void AnyParameter(const std::string& name) { ForPlanParameters(name, {}); }

  void ForPlanParameters(const std::string& name, PlanTarget target) {
    const FunctionId id = module_.FindFunction(name);
    if (!id.valid()) return;
    const Function& function = module_.function(id);
    for (uint32_t p = 0; p < function.parameter_names.size(); ++p) {
      const ValueId parameter{function.body().first_param + p};
      if (HoldsPlan(function, parameter)) Add(id.index, parameter, target);
    }
  }

  void Visit(uint32_t index) {
    const Function& function = module_.function(FunctionId{index});
    for (const Op& op : function.ops) Visit(index, function, op);
  }

  void Visit(uint32_t index, const Function& function, const Op& op) {
    const std::span<const ValueId> operands = function.OperandsOf(op);
    if (op.code == Opcode::kCall || op.code == Opcode::kMakePlan) Arguments(index, function, op);
    for (uint32_t r = 0; r < op.region_count; ++r) {
      const Region& region = function.RegionOf(op, r);
      for (uint32_t p = 0; p < region.param_count; ++p) {
        const ValueId parameter{region.first_param + p};
        if (!HoldsPlan(function, parameter)) continue;
        for (ValueId operand : operands) Flow(index, operand, index, parameter);
        for (uint32_t other = 0; other < op.region_count; ++other) Yields(index, function, op, other, parameter);
      }
    }
    if (!op.result.valid() || !HoldsPlan(function, op.result)) return;
    switch (op.code) {
      case Opcode::kMakePlan:
        return Add(index, op.result, {Kind::kFunction, static_cast<uint32_t>(op.imm)});
      case Opcode::kIssue:
        return Issued(index, op);
      case Opcode::kCall:
        return Results({static_cast<uint32_t>(op.imm)}, index, op.result);
      case Opcode::kNone:
        return;
      case Opcode::kRun:
      case Opcode::kParam:
        return Add(index, op.result, {});
      default:
        for (ValueId operand : operands) Flow(index, operand, index, op.result);
        for (uint32_t r = 0; r < op.region_count; ++r) Yields(index, function, op, r, op.result);
    }
  }

  void Arguments(uint32_t index, const Function& function, const Op& op) {
    const std::span<const ValueId> operands = function.OperandsOf(op);
    const uint32_t target = static_cast<uint32_t>(op.imm);
    const uint32_t first = op.code == Opcode::kMakePlan ? 1 : 0;  // a plan's own argument comes when it is run
    const Region& body = module_.function(FunctionId{target}).body();
    for (uint32_t i = 0; i < operands.size(); ++i) {
      if (HoldsPlan(function, operands[i])) Flow(index, operands[i], target, ValueId{body.first_param + first + i});
    }
  }

  void Issued(uint32_t index, const Op& op) {
    const auto callee = static_cast<uint32_t>(op.imm);
    const ir::Callee& planner = module_.callee(ir::CalleeId{callee});
    const bool writes = planner.kind == ir::CalleeKind::kPlanner;
    Add(index, op.result, writes ? PlanTarget{Kind::kPlanner, callee} : PlanTarget{});
    for (FunctionId fallback : {planner.malformed, planner.invalid}) {
      if (fallback.valid()) Results(fallback, index, op.result);
    }
  }

  // What a region ends with.
  void Yields(uint32_t index, const Function& function, const Op& op, uint32_t region, ValueId to) {
    const std::span<const Op> ops = function.OpsOf(function.RegionOf(op, region));
    if (ops.empty()) return;
    for (ValueId value : function.OperandsOf(ops.back())) Flow(index, value, index, to);
  }

  void Results(FunctionId callee, uint32_t index, ValueId to) {
    const Function& function = module_.function(callee);
    const std::span<const Op> ops = function.OpsOf(function.body());
    if (ops.empty()) return;
    for (ValueId value : function.OperandsOf(ops.back())) Flow(callee.index, value, index, to);
  }

  const ir::Module& module_;
  PlanTargets& targets_;
  bool changed_ = false;
};

PlanTargets::PlanTargets(const ir::Module& module) : module_(module) {
  PlanFlow(module, *this).Run();
}

const PlanTargetSet& PlanTargets::Of(FunctionId function, ValueId value) const {
  static const PlanTargetSet kNone;
  const auto found = by_value_.find({function.index, value.index});
  return found == by_value_.end() ? kNone : found->second;
}

std::vector<FunctionId> PlanTargets::FunctionsOf(const PlanTargetSet& targets) const {
  std::vector<FunctionId> functions;
  for (const PlanTarget& target : targets) {
    if (target.kind == Kind::kFunction) functions.push_back(FunctionId{target.index});
    if (target.kind == Kind::kPattern) AddFunctions(module_, patterns_[target.index], functions);
    if (target.kind != Kind::kPlanner) continue;
    const PlannerText& text = planner(target.index);
    AddFunctions(module_, text.stages, functions);
    for (const std::string& name : text.uses) {
      const FunctionId function = module_.FindFunction(name);
      if (function.valid()) functions.push_back(function);
    }
  }
  return functions;
}

}  // namespace jade::bounds
