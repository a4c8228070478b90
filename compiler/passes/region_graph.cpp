#include "compiler/passes/region_graph.h"

#include <algorithm>

namespace jade::passes {
RegionGraph::RegionGraph(const ir::Function& function, const ir::Region& region, const std::vector<bool>& suspends,
                         std::vector<uint32_t>& scratch)
    : function_(function), region_(region) {
  FindUnits(suspends);
  FindUses(scratch);
  FindNeeds();
}

uint32_t RegionGraph::CountUnits(const ir::Function& function, const ir::Region& region,
                                 const std::vector<bool>& suspends) {
  uint32_t count = 0;
  for (uint32_t i = region.op_begin; i < region.op_begin + region.op_count; ++i) {
    if (suspends[i] && function.ops[i].code != ir::Opcode::kAwait) ++count;
  }
  return count;
}

void RegionGraph::FindUnits(const std::vector<bool>& suspends) {
  unit_of_op_.assign(op_count(), kNone);
  for (uint32_t i = 0; i < op_count(); ++i) {
    if (!suspends[region_.op_begin + i] || is_await(i)) continue;
    Unit unit;
    unit.op = i;
    unit.value = op(i).result;
    unit.await_order = op(i).order;
    if (op(i).code == ir::Opcode::kIssue && i + 1 < op_count() && is_await(i + 1)) {
      unit.value = op(i + 1).result;
      unit.await_order = op(i + 1).order;
    }
    unit_of_op_[i] = unit_count();
    units_.push_back(std::move(unit));
  }
}

// `definer`: the operation of this region that each value comes from.
void RegionGraph::FindUses(std::vector<uint32_t>& definer) {
  for (uint32_t i = 0; i < op_count(); ++i) {
    if (op(i).result.valid()) definer[op(i).result.index] = i;
  }
  uses_.resize(op_count());
  users_.resize(op_count());
  param_uses_.resize(op_count());
  std::vector<const ir::Op*> pending;
  for (uint32_t i = 0; i < op_count(); ++i) {
    pending.assign(1, &op(i));
    while (!pending.empty()) {
      const ir::Op& user = *pending.back();
      pending.pop_back();
      for (ir::ValueId operand : function_.OperandsOf(user)) {
        if (uint32_t d = definer[operand.index]; d != kNone && d != i) uses_[i].push_back(d);
        bool param = operand.index - region_.first_param < region_.param_count;
        if (param) param_uses_[i].push_back(operand.index);
      }
      for (uint32_t r = 0; r < user.region_count; ++r) {
        for (const ir::Op& inner : function_.OpsOf(function_.RegionOf(user, r))) pending.push_back(&inner);
      }
    }
    std::sort(uses_[i].begin(), uses_[i].end());
    uses_[i].erase(std::unique(uses_[i].begin(), uses_[i].end()), uses_[i].end());
    for (uint32_t used : uses_[i]) users_[used].push_back(i);
  }
  for (uint32_t i = 0; i < op_count(); ++i) {
    if (op(i).result.valid()) definer[op(i).result.index] = kNone;
  }
}

void RegionGraph::FindNeeds() {
  size_t words = (units_.size() + 63) / 64;
  needs_.assign(op_count(), Bits(words, 0));
  for (uint32_t i = 0; i < op_count(); ++i) {
    for (uint32_t used : uses_[i]) {
      if (unit_of_op_[used] != kNone) {
        Set(needs_[i], unit_of_op_[used]);
      } else {
        Add(needs_[i], needs_[used]);
      }
    }
    if (unit_of_op_[i] == kNone) continue;
    Unit& unit = units_[unit_of_op_[i]];
    unit.depends = needs_[i];
    for (uint32_t other = 0; other < unit_of_op_[i]; ++other) {
      if (Test(needs_[i], other)) Add(unit.depends, units_[other].depends);
    }
  }
}

std::vector<uint32_t> RegionGraph::NeedsOf(uint32_t i) const {
  std::vector<uint32_t> needs;
  for (uint32_t unit = 0; unit < unit_count(); ++unit) {
    if (Test(needs_[i], unit)) needs.push_back(unit);
  }
  return needs;
}

bool RegionGraph::NeedsWithin(uint32_t i, const Bits& units) const {
  for (size_t word = 0; word < units.size(); ++word) {
    if ((needs_[i][word] & ~units[word]) != 0) return false;
  }
  return true;
}

std::vector<uint32_t> RegionGraph::PureOpsFor(uint32_t i, const std::vector<bool>& done) const {
  std::vector<bool> wanted(op_count(), false);
  std::vector<uint32_t> pending = uses_[i];
  std::vector<uint32_t> found;
  while (!pending.empty()) {
    uint32_t at = pending.back();
    pending.pop_back();
    // A unit, or its await, is where its value is awaited; what is done has its value.
    if (wanted[at] || done[at] || unit_of_op_[at] != kNone || is_await(at)) continue;
    wanted[at] = true;
    found.push_back(at);
    pending.insert(pending.end(), uses_[at].begin(), uses_[at].end());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void RegionGraph::DropUnused(const std::vector<uint32_t>& pure, std::vector<bool>& done) const {
  for (size_t p = pure.size(); p-- > 0;) {
    bool used = false;
    for (uint32_t user : users_[pure[p]]) used = used || !done[user];
    if (!used) done[pure[p]] = true;
  }
}

std::vector<uint32_t> RegionGraph::UnitsWithout(uint32_t value) const {
  std::vector<bool> tainted(op_count(), false);
  std::vector<uint32_t> free;
  for (uint32_t i = 0; i < op_count(); ++i) {
    for (uint32_t param : param_uses_[i]) tainted[i] = tainted[i] || param == value;
    for (uint32_t used : uses_[i]) {
      bool unit = unit_of_op_[used] != kNone || is_await(used);
      tainted[i] = tainted[i] || unit || tainted[used];
    }
    if (unit_of_op_[i] != kNone && !tainted[i]) free.push_back(unit_of_op_[i]);
  }
  return free;
}

}  // namespace jade::passes
