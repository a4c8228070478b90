#include <fmt/format.h>

#include <algorithm>

#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::Progress;
using abi::TrapKind;
using abi::Value;
using ir::Opcode;

bool Machine::StepCall(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kIssue:
      if (FuturePtr future = Issue(op, operands(op))) FinishFuture(op, std::move(future));
      return true;
    case Opcode::kAwait: {
      Value value;
      const FuturePtr future = frame().futures[frame().function->OperandsOf(op)[0].index];
      if (Await(future, &value) == Progress::kDone) Finish(op, std::move(value));
      return true;
    }
    case Opcode::kSpawn:
      return FinishFuture(op, SpawnRegion(op, {})), true;
    case Opcode::kEach: {
      if (position().join == nullptr) BeginEach(op, operand(op, 0), {});
      Value list;
      if (JoinEach(op, &list) == Progress::kDone) Finish(op, std::move(list));
      return true;
    }
    case Opcode::kCall:
      EnterFunction(op, frame().module, {static_cast<uint32_t>(op.imm)}, operands(op), frame().plan_call);
      return true;
    case Opcode::kEnter:
      return EnterInlined(op), true;
    case Opcode::kRun:
      return RunPlan(op, operand(op, 0), operand(op, 1)), true;
    default:
      return false;
  }
}

void Machine::RunPlan(const ir::Op& op, const Value& value, Value argument) {
  const auto* plan = dynamic_cast<const PlanFunction*>(value.as_plan().get());
  JADE_CHECK(plan != nullptr, "a plan that is no function");
  std::vector<Value> arguments = {std::move(argument)};
  arguments.insert(arguments.end(), plan->bound().begin(), plan->bound().end());
  const uint64_t plan_call = plan->plan_call() != 0 ? plan->plan_call() : frame().plan_call;
  EnterFunction(op, plan->module(), plan->function(), std::move(arguments), plan_call);
}

CallPathPtr Machine::SitePath(const ir::Op& op) {
  const Frame& f = frame();
  if (f.native != nullptr && f.loops.empty()) return CallPath::Make(f.path, f.native->code->steps[op.site.index]);
  const ir::Site& site = f.function->sites[op.site.index];
  const std::string_view label = site.label.valid() ? std::string_view(f.module->text(site.label)) : std::string_view();
  const std::string& callee = f.module->text(site.callee);
  if (label.empty() && site.ordinal == 0 && f.loops.empty()) return CallPath::Make(f.path, callee);
  return CallPath::Make(f.path, PathSegment(callee, site.ordinal, label, f.loops));
}

FuturePtr Machine::Issue(const ir::Op& op, std::vector<Value> values) {
  // The innermost scope that is at its end has the first say.
  for (ScopePtr scope = task_.scope; scope != nullptr; scope = scope->parent) {
    if (!scope->exhausted && scope->calls < scope->call_limit) continue;
    Exhaust(*scope, TrapKind::kCallBudget);
    Raised raised = ExhaustedTrap(scope);
    Trap(op, raised.trap.kind, std::move(raised.trap.message), scope);
    return nullptr;
  }
  for (Scope* scope = task_.scope.get(); scope != nullptr; scope = scope->parent.get()) ++scope->calls;

  Frame& f = frame();
  const ir::CalleeId callee{static_cast<uint32_t>(op.imm)};
  if (f.module->callee(callee).kind != ir::CalleeKind::kPlanner) position().turns.direct = true;
  auto future = MakeLocal<Future>();
  future->order = op.order;
  future->owner = &task_;
  Child child;
  child.future = future;
  child.frame = task_.frames.size() - 1;
  child.level = f.positions.size() - 1;
  child.order = op.order;
  task_.children.push_back(std::move(child));
  if (run_.origins != nullptr) MarkCall(values);
  Host::IssueArguments arguments{task_,  f.module, callee, std::move(values), SitePath(op), f.path,
                                 f.file, op.span,  future};
  run_.host->Issue(std::move(arguments));
  return future;
}

void Machine::CountSettledChild(Future& future) {
  if (future.owner == nullptr) return;
  Task& owner = *std::exchange(future.owner, nullptr);
  const auto child = std::find_if(owner.children.begin(), owner.children.end(),
                                  [&](const Child& one) { return one.future.get() == &future; });
  if (child == owner.children.end()) return;
  owner.frames[child->frame]->positions[child->level].turns.Merge(future.turns);
  owner.children.erase(child);
}

Progress Machine::Await(const FuturePtr& future, Value* out, bool take) {
  if (future->state == Future::State::kPending) {
    WaitFor(future);
    return Progress::kWait;
  }
  CountSettledChild(*future);
  if (future->state == Future::State::kTrapped) {
    Raise(*future->raised, future->order);
    return Progress::kRaised;
  }
  if (take) {
    *out = std::move(future->value);
  } else {
    *out = future->value;
  }
  return Progress::kDone;
}

FuturePtr Machine::SpawnRegion(const ir::Op& op, std::span<const Value> captures) {
  Child place;
  place.level = frame().positions.size() - 1;
  place.order = op.order;
  return Spawn(op, 0, {{}, captures}, -1, std::move(place), false);
}

// For every item one, all of them before the first iteration.
void Machine::SpawnAhead(const ir::Op& op, uint32_t region, const Value& list, std::span<const Value> captures) {
  const std::vector<Value>& items = list.as_list();
  const ir::Region& code = frame().function->regions[op.first_region.index + region];
  for (size_t i = 0; i < items.size(); ++i) {
    Child place;
    place.level = frame().positions.size() - 1;
    place.ahead = static_cast<int64_t>(i);
    place.order = frame().function->ops[code.op_begin].order;
    const Value params[] = {PartOf(list, items[i]), Value::Int(static_cast<int64_t>(i))};
    FuturePtr future = Spawn(op, region, {params, captures}, static_cast<int64_t>(i), std::move(place), false);
    std::unique_ptr<std::vector<FuturePtr>>& ahead = position().ahead;
    if (ahead == nullptr) ahead = std::make_unique<std::vector<FuturePtr>>();
    ahead->push_back(std::move(future));
  }
}

FuturePtr Machine::Spawn(const ir::Op& op, uint32_t region, const ChildValues& values, int64_t loop, Child place,
                         bool filter) {
  const Frame& parent = frame();
  // The copy of the environment is paid for in fuel.
  run_.fuel -= static_cast<int64_t>(parent.function->values.size() / 4);
  auto task = std::make_shared<Task>();
  task->run = &run_;
  task->scope = task_.scope;
  task->result = MakeLocal<Future>();
  task->result->order = op.order;
  task->result->owner = &task_;
  std::unique_ptr<Frame> child =
      MakeChildFrame(*task, parent, op.first_region.index + region, filter, values.params, values.captures);
  if (loop >= 0) {
    // A fold has put its own index there already when it spawns what runs ahead.
    if (op.code == Opcode::kFold) {
      child->loops.back() = loop;
    } else {
      child->loops.push_back(loop);
    }
  }
  if (run_.origins != nullptr) MarkChild(*child, op);
  task->frames.push_back(std::move(child));
  place.future = task->result;
  place.task = task;
  place.frame = task_.frames.size() - 1;
  task_.children.push_back(std::move(place));
  run_.host->Ready(task);
  return task->result;
}

void Machine::BeginEach(const ir::Op& op, const Value& list, std::span<const Value> captures) {
  const std::vector<Value>& items = list.as_list();
  auto join = std::make_unique<Join>();
  const bool filter = op.region_count > 1;
  for (size_t i = 0; i < items.size(); ++i) {
    Child place;
    place.level = frame().positions.size() - 1;
    place.order = op.order;
    place.item = static_cast<int64_t>(i);
    const Value params[] = {PartOf(list, items[i]), Value::Int(static_cast<int64_t>(i))};
    join->futures.push_back(
        Spawn(op, filter ? 1 : 0, {params, captures}, static_cast<int64_t>(i), std::move(place), filter));
  }
  position().join = std::move(join);
}

Progress Machine::JoinEach(const ir::Op& op, Value* out) {
  Position& p = position();
  Join& join = *p.join;
  while (join.next < join.futures.size()) {
    const FuturePtr& future = join.futures[join.next];
    if (future->state == Future::State::kPending) {
      WaitFor(future);
      return Progress::kWait;
    }
    if (future->state == Future::State::kTrapped) {
      Raise(*future->raised, op.order, static_cast<int64_t>(join.next));
      return Progress::kRaised;
    }
    if (run_.origins != nullptr && op.region_count > 1)
      join.kept = run_.origins->Join(join.kept, run_.origins->TakeFilter(*future));
    if (!future->dropped) join.results.push_back(future->value);
    join.turns = std::max(join.turns, future->turns.Rounds());
    ++join.next;
  }
  std::erase_if(task_.children, [&](Child& child) {
    const bool mine = child.item >= 0 && child.order == op.order && child.frame == task_.frames.size() - 1 &&
                      child.level == frame().positions.size() - 1;
    if (mine) child.future->owner = nullptr;
    return mine;
  });
  Value list = Value::List(std::move(join.results));
  list.set_origin(join.kept);
  p.turns.nested += join.turns;
  p.join.reset();
  if (!CheckBytes(op, list.as_list().size() * sizeof(Value))) return Progress::kRaised;
  *out = std::move(list);
  return Progress::kDone;
}

bool Machine::CheckDepth(const ir::Op& op) {
  const uint32_t depth = frame().depth + 1;
  for (ScopePtr scope = task_.scope; scope != nullptr; scope = scope->parent) {
    if (depth <= scope->depth_limit) continue;
    Trap(op, TrapKind::kDepthBudget, fmt::format("the budget of depth {} is used up", scope->depth_limit), scope);
    return false;
  }
  run_.max_depth = std::max(run_.max_depth, depth);
  return true;
}

void Machine::EnterInlined(const ir::Op& op) {
  if (!CheckDepth(op)) return;
  Frame& f = frame();
  auto around = std::make_unique<Surroundings>();
  around->path = SitePath(op);
  around->file = f.module->function({static_cast<uint32_t>(op.imm)}).file;
  std::swap(around->path, f.path);
  std::swap(around->loops, f.loops);
  std::swap(around->file, f.file);
  ++f.depth;
  Enter(op, 0);
  position().around = std::move(around);
}

void Machine::EnterFunction(const ir::Op& op, ir::ModulePtr module, ir::FunctionId function,
                            std::vector<Value> arguments, uint64_t plan_call) {
  if (!CheckDepth(op)) return;
  CallPathPtr path = SitePath(op);
  const uint32_t depth = frame().depth + 1;
  std::unique_ptr<Frame> next = MakeFrame(task_, std::move(module), function, std::move(arguments));
  next->path = std::move(path);
  next->depth = depth;
  next->plan_call = plan_call;
  if (run_.origins != nullptr) MarkFrame(*next, op);
  task_.frames.push_back(std::move(next));
}

bool Machine::StepTest(const ir::Op& op) {
  const std::vector<Value> values = operands(op);
  switch (op.code) {
    case Opcode::kReply:
      run_.host->ScriptReply(frame().module->callee({static_cast<uint32_t>(op.imm)}), values);
      return Finish(op, Value::None()), true;
    case Opcode::kExpect:
      run_.host->Expect(task_, op, values);
      return Finish(op, Value::None()), true;
    case Opcode::kPenalty:
      return Finish(op, Value::Float(run_.host->PenaltyOf(frame().module->callee({static_cast<uint32_t>(op.imm)})))),
             true;
    case Opcode::kCalls:
      return Finish(op, Value::Int(run_.host->CallsOf(frame().module->callee({static_cast<uint32_t>(op.imm)})))), true;
    default:
      return false;
  }
}

}  // namespace jade::interp
