#include "compiler/bounds/bounds.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <tuple>
#include <utility>

#include "compiler/bounds/components.h"
#include "compiler/ir/builtin.h"
#include "compiler/ir/survey.h"

namespace jade::bounds {
namespace {

using ir::Op;
using ir::Opcode;

constexpr size_t kSnippet = 40;  // bytes of source shown of a list

// One after the other, or side by side.
Spend Both(const Spend& a, const Spend& b) {
  return {a.calls + b.calls, a.retrievals + b.retrievals, a.tokens + b.tokens, Cost::Max(a.depth, b.depth),
          Cost::Max(a.reply, b.reply)};
}

// One or the other.
Spend Either(const Spend& a, const Spend& b) {
  return {Cost::Max(a.calls, b.calls), Cost::Max(a.retrievals, b.retrievals), Cost::Max(a.tokens, b.tokens),
          Cost::Max(a.depth, b.depth), Cost::Max(a.reply, b.reply)};
}

Spend Times(const Cost& count, const Spend& spend) {
  if (count.is_zero()) return {};
  return {count * spend.calls, count * spend.retrievals, count * spend.tokens, spend.depth, spend.reply};
}

// In a frame of its own.
Spend Entered(Spend spend) {
  spend.depth = spend.depth + Cost::Number(1);
  return spend;
}

// Any number of times: whatever costs anything costs all there is.
Spend Repeated(const Spend& spend) {
  const auto all = [](const Cost& cost) { return cost.is_zero() ? cost : Cost::Budget(); };
  return {all(spend.calls), all(spend.retrievals), all(spend.tokens), spend.depth, spend.reply};
}

}  // namespace

// The functions of one module, callees before their callers.
class Analysis {
 public:
  // Unknowns go to `unknowns`, when it is not null; else every length is as good as unbounded.
  Analysis(const Bounds& bounds, const ir::Module& module, std::vector<Unknown>* unknowns)
      : bounds_(bounds), module_(module), first_(module.first_function()), unknowns_(unknowns) {}

  // By function of this module alone, its base's left out.
  std::vector<FunctionBounds> Run() {
    std::vector<std::vector<uint32_t>> edges(module_.function_count() - first_);
    for (uint32_t i = 0; i < edges.size(); ++i) edges[i] = EdgesOf(ir::FunctionId{first_ + i});
    own_.resize(edges.size());
    for (const std::vector<uint32_t>& component : Components(edges)) Solve(component, edges);
    return own_;
  }

  Spend OfPlanText(const PlannerText& text) {
    Spend most = OfStages(text.stages);
    Spend block;
    for (const std::string& name : text.uses) block = Both(block, OfStage(name));
    return Entered(Either(most, Repeated(block)));
  }

 private:
  const FunctionBounds& Known(ir::FunctionId function) const {
    return function.index < first_ ? bounds_.functions_[function.index] : own_[function.index - first_];
  }
  const FunctionBounds& Entry(const Op& call) const { return Known({static_cast<uint32_t>(call.imm)}); }

  // What the function may enter, of this module's own functions.
  std::vector<uint32_t> EdgesOf(ir::FunctionId id) const {
    const ir::Function& function = module_.function(id);
    std::vector<uint32_t> edges;
    const auto add = [&](ir::FunctionId target) {
      if (target.index >= first_) edges.push_back(target.index - first_);
    };
    for (const Op& op : function.ops) {
      if (op.code == Opcode::kCall) add({static_cast<uint32_t>(op.imm)});
      if (op.code != Opcode::kRun) continue;
      for (ir::FunctionId target : bounds_.targets_.FunctionsOf(TargetsOf(id, op))) add(target);
    }
    return edges;
  }

  // A plan text has no `run`: those of the program's functions are known.
  const PlanTargetSet& TargetsOf(ir::FunctionId function, const Op& run) const {
    return bounds_.targets_.Of(function, module_.function(function).OperandsOf(run)[0]);
  }

  void Solve(const std::vector<uint32_t>& component, const std::vector<std::vector<uint32_t>>& edges) {
    const bool recursive = component.size() > 1 || std::find(edges[component[0]].begin(), edges[component[0]].end(),
                                                             component[0]) != edges[component[0]].end();
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t node : component) {
        FunctionBounds& own = own_[node];
        if (own.returns) continue;
        id_ = ir::FunctionId{first_ + node};
        const ir::Function& function = module_.function(id_);
        own.returns = Returns(function, function.body());
        changed = changed || own.returns;
      }
    }
    Spend sum;  // members see each other as free here: what is left is what a round through all of them costs
    for (uint32_t node : component) {
      own_[node].spend = OfFunction(ir::FunctionId{first_ + node});
      sum = Both(sum, own_[node].spend);
    }
    if (!recursive) return;
    Spend all = Repeated(sum);
    all.depth = Cost::Budget();
    for (uint32_t node : component) own_[node].spend = all;
  }

  // ---- whether it can end ----

  bool Returns(const ir::Function& function, const ir::Region& region) const {
    const std::span<const Op> ops = function.OpsOf(region);
    return std::all_of(ops.begin(), ops.end(), [&](const Op& op) { return Returns(function, op); });
  }

  bool Returns(const ir::Function& function, const Op& op) const {
    const auto some_region = [&] {
      for (uint32_t r = 0; r < op.region_count; ++r) {
        if (Returns(function, function.RegionOf(op, r))) return true;
      }
      return false;
    };
    switch (op.code) {
      case Opcode::kTrap:
        return false;
      case Opcode::kCall:
        return Entry(op).returns;
      case Opcode::kRun: {
        const PlanTargetSet& targets = TargetsOf(id_, op);
        return targets.empty() || std::any_of(targets.begin(), targets.end(), [&](const PlanTarget& target) {
                 return target.kind != PlanTarget::Kind::kFunction || Known({target.index}).returns;
               });
      }
      case Opcode::kIf:
      case Opcode::kSwitch:
      case Opcode::kWithin:
        return some_region();
      case Opcode::kEnter:
      case Opcode::kSpawn:
        return Returns(function, function.RegionOf(op, 0));
      default:  // loops may have nothing to go over
        return true;
    }
  }

  // ---- what it costs ----

  Spend OfFunction(ir::FunctionId id) {
    id_ = id;
    const ir::Function& function = module_.function(id);
    function_ = &function;
    entered_ = ir::FindEntered(function);
    definer_.assign(function.values.size(), nullptr);
    for (const Op& op : function.ops) {
      if (op.result.valid()) definer_[op.result.index] = &op;
    }
    return OfRegion(function.body());
  }

  Spend OfRegion(const ir::Region& region) {
    Spend spend;
    for (const Op& op : function_->OpsOf(region)) {
      if (IsFree(op.code)) continue;
      spend = Both(spend, OfOp(op));
    }
    return spend;
  }

  Spend OfRegions(const Op& op, uint32_t from = 0) {
    Spend spend;
    for (uint32_t r = from; r < op.region_count; ++r) spend = Both(spend, OfRegion(function_->RegionOf(op, r)));
    return spend;
  }

  // Most of them: what neither makes calls nor has regions that may.
  static bool IsFree(Opcode code) { return ir::TraitOf(code) != ir::OpTrait::kSuspends && code != Opcode::kMap; }

  Spend OfOp(const Op& op) {
    switch (op.code) {
      case Opcode::kIssue:
        return OfCallee(module_.callee({static_cast<uint32_t>(op.imm)}));
      case Opcode::kCall:
        return Entered(Entry(op).spend);
      case Opcode::kRun:
        return OfPlans(TargetsOf(id_, op));
      case Opcode::kEnter:
        return Entered(OfRegions(op));
      case Opcode::kSpawn:
        return OfRegions(op);
      case Opcode::kIf:
      case Opcode::kSwitch: {
        Spend most;
        for (uint32_t r = 0; r < op.region_count; ++r) most = Either(most, OfRegion(function_->RegionOf(op, r)));
        return most;
      }
      case Opcode::kFold:
      case Opcode::kEach:
      case Opcode::kMap: {
        const Spend round = OfRegions(op);
        return Costs(round) ? Times(LengthOf(function_->OperandsOf(op)[0]), round) : round;
      }
      case Opcode::kRepeat: {
        const Spend round = OfRegions(op);
        return Costs(round) ? Times(CountOf(function_->OperandsOf(op)[0]), round) : round;
      }
      case Opcode::kWithin:
        return Both(Limited(op, OfRegion(function_->RegionOf(op, 0))), OfRegions(op, 1));
      default:
        return {};
    }
  }

  static bool Costs(const Spend& spend) {
    return !spend.calls.is_zero() || !spend.retrievals.is_zero() || !spend.tokens.is_zero();
  }

  Spend OfCallee(const ir::Callee& callee) {
    const Cost one = Cost::Number(1);
    if (callee.kind == ir::CalleeKind::kTool) return {one, one, {}, {}, {}};
    const Cost reply = callee.sampling.max_tokens
                           ? Cost::Number(*callee.sampling.max_tokens)
                           : Symbol(nullptr, "max_tokens", "tokens of a reply where the role sets no limit");
    return {one, {}, reply, {}, reply};
  }

  // A stage or a name of `uses`, as a plan calls it.
  Spend OfStage(const std::string& name) {
    const ir::CalleeId callee = module_.FindCallee(name);
    if (callee.valid()) return OfCallee(module_.callee(callee));
    const ir::FunctionId function = module_.FindFunction(name);
    if (function.valid()) return Entered(Known(function).spend);
    return {Cost::Budget(), Cost::Budget(), Cost::Budget(), Cost::Budget(), Cost::Budget()};
  }

  Spend OfStages(const StageNode& node) {
    if (node.kind == StageNode::Kind::kStage) return OfStage(node.name);
    Spend spend;
    for (const StageNode& child : node.children) {
      const Spend one = OfStages(child);
      spend = node.kind == StageNode::Kind::kSequence ? Both(spend, one) : Either(spend, one);
    }
    return spend;
  }

  Spend OfPlans(const PlanTargetSet& targets) {
    Spend most;
    for (const PlanTarget& target : targets) {
      switch (target.kind) {
        case PlanTarget::Kind::kFunction:
          most = Either(most, Entered(Known({target.index}).spend));
          break;
        case PlanTarget::Kind::kPlanner:
          most = Either(most, OfPlanText(bounds_.targets_.planner(target.index)));
          break;
        case PlanTarget::Kind::kPattern:
          most = Either(most, Entered(OfStages(bounds_.targets_.pattern(target.index))));
          break;
        case PlanTarget::Kind::kAny:
          break;
      }
    }
    return most;
  }

  Spend Limited(const Op& within, Spend spend) {
    uint32_t next = 0;
    // True when it says less than what was known.
    const auto limit = [&](ir::BudgetBit bit, Cost& cost) {
      if ((within.imm & bit) == 0) return false;
      const std::optional<int64_t> number = ConstantOf(function_->OperandsOf(within)[next++]);
      const std::optional<int64_t> before = cost.number();
      if (!number || (before && *before <= *number)) return false;
      cost = cost.AtMost(*number);
      return true;
    };
    limit(ir::kBudgetDepth, spend.depth);
    if (limit(ir::kBudgetCalls, spend.calls)) {
      spend.retrievals = spend.retrievals.AtMost(*spend.calls.number());
      if (!spend.tokens.number()) spend.tokens = spend.calls * spend.reply;
    }
    limit(ir::kBudgetTokens, spend.tokens);
    return spend;
  }

  // ---- how long lists are ----

  const Op* DefinerOf(ir::ValueId value) const { return definer_[value.index]; }

  // What is looked through: a value that is as long as one of its operands.
  Cost LengthOf(ir::ValueId list) {
    const Op* op = DefinerOf(list);
    for (int steps = 0; op != nullptr && steps < 64; ++steps) {
      const std::span<const ir::ValueId> operands = function_->OperandsOf(*op);
      switch (op->code) {
        case Opcode::kList:
          return Cost::Number(static_cast<int64_t>(operands.size()));
        case Opcode::kCast:
        case Opcode::kMap:
        case Opcode::kEach:
          list = operands[0];
          op = DefinerOf(list);
          continue;
        case Opcode::kBuiltin:
          if (static_cast<ir::Builtin>(op->imm) == ir::Builtin::kRange) return CountOf(operands[0]);
          if (static_cast<ir::Builtin>(op->imm) == ir::Builtin::kTake) {
            if (const std::optional<int64_t> taken = ConstantOf(operands[1])) return Cost::Number(*taken);
          }
          return Length(list, op);
        default:
          return Length(list, op);
      }
    }
    return Length(list, op);
  }

  Cost Length(ir::ValueId list, const Op* op) { return Symbol(&list, "n", "items of " + Shown(list, op)); }

  std::optional<int64_t> ConstantOf(ir::ValueId value) const {
    const Op* op = DefinerOf(value);
    return op != nullptr && op->code == Opcode::kConstInt ? std::optional(op->imm) : std::nullopt;
  }

  Cost CountOf(ir::ValueId value) {
    if (const std::optional<int64_t> constant = ConstantOf(value)) return Cost::Number(*constant);
    return Symbol(&value, "k", "value of " + Shown(value, DefinerOf(value)));
  }

  // The function that the operation was written in.
  ir::FunctionId HomeOf(const Op* op) const {
    const ir::FunctionId inlined =
        op != nullptr ? entered_[static_cast<size_t>(op - function_->ops.data())] : ir::FunctionId{};
    return inlined.valid() ? inlined : id_;
  }

  // "`Split(question)`, qds.jade:12".
  std::string Shown(ir::ValueId value, const Op* op) const {
    const ir::Function& home = module_.function(HomeOf(op));
    if (home.file == ir::kInvalidIndex) return fmt::format("a value of {}", home.name);
    const source::SourceFile& file = *module_.file(home.file);
    source::Span span = op != nullptr ? op->span : home.span;
    std::string text(op != nullptr ? file.Text(span) : "");
    const ir::Region& body = function_->body();
    const uint32_t parameter = value.index - body.first_param;
    if (op == nullptr && value.index >= body.first_param && parameter < function_->parameter_names.size()) {
      text = function_->parameter_names[parameter];
    }
    if (text.find('\n') != std::string::npos || text.size() > kSnippet || text.empty()) {
      return fmt::format("a value of {}, {}:{}", home.name, file.name(), file.At(span.begin).line);
    }
    return fmt::format("`{}`, {}:{}", text, file.name(), file.At(span.begin).line);
  }

  Cost Symbol(const ir::ValueId* value, std::string_view prefix, std::string meaning) {
    if (unknowns_ == nullptr) return Cost::Budget();
    // What was inlined in several places is one unknown, as it is where it is called in several.
    const Op* op = value != nullptr ? DefinerOf(*value) : nullptr;
    std::tuple key(ir::kInvalidIndex, ir::kInvalidIndex, ir::kInvalidIndex);  // no value: `max_tokens`
    if (op != nullptr) {
      key = {HomeOf(op).index, op->order, ir::kInvalidIndex};
    } else if (value != nullptr) {
      key = {id_.index, ir::kInvalidIndex, value->index};
    }
    const auto [found, fresh] = symbols_.emplace(key, static_cast<uint32_t>(unknowns_->size()));
    if (fresh) {
      const bool numbered = value != nullptr;
      const size_t count = numbered ? ++counts_[std::string(prefix)] : 0;
      unknowns_->push_back({numbered ? fmt::format("{}{}", prefix, count) : std::string(prefix), std::move(meaning)});
    }
    return Cost::Symbol(found->second);
  }

  const Bounds& bounds_;
  const ir::Module& module_;
  const uint32_t first_;  // function of this module
  std::vector<FunctionBounds> own_;
  std::vector<Unknown>* unknowns_;
  ir::FunctionId id_;
  const ir::Function* function_ = nullptr;                                // of id_
  std::vector<const Op*> definer_;                                        // by value; null: a region's parameter
  std::vector<ir::FunctionId> entered_;                                   // by operation
  std::map<std::tuple<uint32_t, uint32_t, uint32_t>, uint32_t> symbols_;  // by function, place, parameter
  std::map<std::string, size_t> counts_;
};

Bounds::Bounds(const ir::Module& module) : targets_(module) {
  Analysis analysis(*this, module, &unknowns_);
  functions_ = analysis.Run();
  for (const auto& [callee, text] : targets_.planners()) {
    plans_.emplace(ir::CalleeId{callee}, analysis.OfPlanText(text));
  }
}

std::optional<int64_t> Bounds::CallsOfPlan(const ir::Module& plan) const {
  const std::vector<FunctionBounds> own = Analysis(*this, plan, nullptr).Run();
  return own[plan.main().index - plan.first_function()].spend.calls.number();
}

std::vector<std::string> Bounds::names() const {
  std::vector<std::string> names;
  for (const Unknown& unknown : unknowns_) names.push_back(unknown.name);
  return names;
}

}  // namespace jade::bounds
