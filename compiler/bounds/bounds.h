#pragma once
// What functions of JIR may spend at most, found without running them: calls, retrievals, generated tokens, depth; and
// whether they can return at all. A plan that is run may be any that the program's planners can write or its workflows
// make, so the bounds hold whatever a model writes.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/bounds/cost.h"
#include "compiler/bounds/plan_targets.h"
#include "compiler/ir/module.h"

namespace jade::bounds {

struct Spend {
  Cost calls;       // of executors, planners and tools
  Cost retrievals;  // of tools
  Cost tokens;      // generated
  Cost depth;       // frames of workflows and plans below the function's own
  Cost reply;       // tokens of one reply
};

struct FunctionBounds {
  Spend spend;
  bool returns = false;  // some path through it ends
};

// What a Cost does not know: "n1", and "items of `DecomposeSerial(question)`, qds.jade:12".
struct Unknown {
  std::string name;
  std::string meaning;
};

class Bounds {
 public:
  // Of all functions of a module that is no plan's; it outlives this.
  explicit Bounds(const ir::Module& module);
  Bounds(const Bounds&) = delete;
  Bounds& operator=(const Bounds&) = delete;

  const FunctionBounds& Of(ir::FunctionId function) const { return functions_[function.index]; }
  // Of the most costly plan that the planner may write, its own frame counted.
  const Spend& OfPlansBy(ir::CalleeId planner) const { return plans_.at(planner); }
  // Of the calls of a compiled plan over this module, when they are a number: its own and those of what it enters.
  std::optional<int64_t> CallsOfPlan(const ir::Module& plan) const;

  const std::vector<Unknown>& unknowns() const { return unknowns_; }
  std::vector<std::string> names() const;  // of the unknowns, for Cost::ToString

 private:
  friend class Analysis;
  PlanTargets targets_;
  std::vector<FunctionBounds> functions_;
  std::map<ir::CalleeId, Spend> plans_;  // by planner
  std::vector<Unknown> unknowns_;
};

}  // namespace jade::bounds
