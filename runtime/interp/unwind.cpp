#include <algorithm>

#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::TrapKind;

void Machine::CancelChildrenFrom(size_t frame_index, size_t level) {
  std::vector<Child> kept;
  std::vector<Child> cancelled;
  for (Child& child : task_.children) {
    const bool inside = child.frame > frame_index || (child.frame == frame_index && child.level >= level);
    (inside ? cancelled : kept).push_back(std::move(child));
  }
  task_.children = std::move(kept);
  for (Child& child : cancelled) CancelChild(run_, child);
}

// In the region on top: cancels what stands after the trap in program order, lets the earliest of the traps win, and
// waits for what stands before it. False while it has to wait.
bool Machine::SettleChildren() {
  const size_t frame_index = task_.frames.size() - 1;
  const size_t level = frame().positions.size() - 1;
  const int64_t iteration = position().index;
  auto before = [&](const Child& child) {
    if (child.ahead >= 0 && child.ahead != iteration) return child.ahead < iteration;
    return std::pair(child.order, child.item) < std::pair(task_.raise_order, task_.raise_item);
  };
  for (bool changed = true; changed;) {
    changed = false;
    FuturePtr pending;
    for (size_t i = 0; i < task_.children.size();) {
      Child& child = task_.children[i];
      if (child.frame != frame_index || child.level != level) {
        ++i;
        continue;
      }
      const bool earlier = before(child);
      if (earlier && child.future->state == Future::State::kPending) {
        if (pending == nullptr) pending = child.future;
        ++i;
        continue;
      }
      Child settled = std::move(child);
      task_.children.erase(task_.children.begin() + static_cast<ptrdiff_t>(i));
      if (!earlier) {
        CancelChild(run_, settled);
      } else if (settled.future->state == Future::State::kTrapped) {
        Raise(*settled.future->raised, settled.order, settled.item);
        changed = true;
      }
      settled.future->owner = nullptr;
    }
    if (!changed && pending != nullptr) {
      WaitFor(pending);
      return false;
    }
  }
  return true;
}

// True when the `within` that owns the region on top takes the trap; then its `else` runs.
bool Machine::Catch(const ir::Op& owner) {
  const ScopePtr scope = position().scope;
  if (scope == nullptr || owner.region_count < 2) return false;
  if (task_.raised->trap.kind == TrapKind::kCancelled) return false;
  const Scope* exhausted = task_.raised->exhausted.get();
  return exhausted == nullptr || exhausted->IsInside(scope.get());
}

bool Machine::Unwind() {
  if (!SettleChildren()) return false;
  Frame& f = frame();
  const uint32_t owner_index = position().owner;
  if (owner_index != ir::kInvalidIndex) {
    const ir::Op& owner = f.function->ops[owner_index];
    const bool caught = Catch(owner);
    // A scope that ends without catching leaves an ordinary trap to those outside it.
    if (position().scope != nullptr && task_.raised->exhausted == position().scope) task_.raised->exhausted = nullptr;
    PopRegion();
    if (caught) {
      const Origins::Id origin = task_.raised->origin;
      task_.raised.reset();
      Enter(owner, 1);
      if (run_.origins != nullptr) AddControl(run_.origins->AsControl(origin));
      if (f.native != nullptr) f.native->frame.state = f.native->unit->StateOf(owner_index);
      return true;
    }
    // Places in the region of an `enter` are those of another function.
    const bool entered = owner.code == ir::Opcode::kEnter;
    task_.raise_order = entered ? owner.order : std::min(task_.raise_order, owner.order);
    task_.raise_item = -1;
    return true;
  }
  const uint64_t plan_call = f.plan_call;
  const Turns turns = position().turns;
  task_.frames.pop_back();
  // Leaving the plan's own frames, not just a child task inside it.
  if (plan_call != 0 && !task_.frames.empty() && plan_call != frame().plan_call &&
      abi::IsBudgetTrap(task_.raised->trap.kind)) {
    run_.host->PlanOverrun(plan_call);
  }
  if (task_.frames.empty()) {
    task_.state = Task::State::kDone;
    task_.result->turns = turns;
    Raised raised = std::move(*task_.raised);
    task_.raised.reset();
    SettleTrap(run_, *task_.result, std::move(raised));
    return false;
  }
  position().turns.nested += turns.Total();
  task_.raise_order = frame().op().order;
  task_.raise_item = -1;
  return true;
}

}  // namespace jade::interp
