#pragma once
// Internal to compiler/bounds: which code a plan that is run can stand for. Plans are made in few places (a planner's
// call, a declaration that stands for a plan) and flow through branches, loops and parameters; this follows them.

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "compiler/bounds/stage_text.h"
#include "compiler/ir/module.h"

namespace jade::bounds {

// What a plan may be.
struct PlanTarget {
  enum class Kind : uint8_t { kFunction, kPlanner, kPattern, kAny };
  Kind kind = Kind::kAny;
  uint32_t index = 0;  // FunctionId, CalleeId, of patterns(); kAny: any other of the module
  friend auto operator<=>(const PlanTarget&, const PlanTarget&) = default;
};
using PlanTargetSet = std::set<PlanTarget>;

// A planner, and what its text may be.
struct PlannerText {
  ir::CalleeId planner;
  StageNode stages;               // nothing where `uses` speaks
  std::vector<std::string> uses;  // names that a block may call, any number of times
};

class PlanTargets {
 public:
  explicit PlanTargets(const ir::Module& module);

  // Of a value of this module's function; kAny is replaced by all there are.
  const PlanTargetSet& Of(ir::FunctionId function, ir::ValueId value) const;
  const PlannerText& planner(uint32_t callee) const { return planners_.at(callee); }
  const std::map<uint32_t, PlannerText>& planners() const { return planners_; }
  const StageNode& pattern(uint32_t index) const { return patterns_[index]; }
  // Functions that running one of them may enter.
  std::vector<ir::FunctionId> FunctionsOf(const PlanTargetSet& targets) const;

 private:
  friend class PlanFlow;
  using Place = std::pair<uint32_t, uint32_t>;  // function, value

  const ir::Module& module_;
  std::map<uint32_t, PlannerText> planners_;  // by callee
  std::vector<StageNode> patterns_;           // of sub-plans
  std::map<Place, PlanTargetSet> by_value_;
  PlanTargetSet all_;
};

}  // namespace jade::bounds
