#include <fmt/format.h>

#include <algorithm>

#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::TrapKind;
using abi::Value;
using ir::Opcode;

bool Machine::StepCall(const ir::Op& op) {
  switch (op.code) {
    case Opcode::kIssue:
      return Issue(op), true;
    case Opcode::kAwait:
      return Await(op), true;
    case Opcode::kSpawn: {
      Child place;
      place.level = frame().positions.size() - 1;
      place.order = op.order;
      FinishFuture(op, Spawn(op, 0, {}, -1, std::move(place), false));
      return true;
    }
    case Opcode::kEach:
      return Each(op), true;
    case Opcode::kCall:
      EnterFunction(op, frame().module, {static_cast<uint32_t>(op.imm)}, operands(op), frame().plan_call);
      return true;
    case Opcode::kRun: {
      const auto* plan = dynamic_cast<const PlanFunction*>(operand(op, 0).as_plan().get());
      JADE_CHECK(plan != nullptr, "a plan of another tier");
      std::vector<Value> arguments = {operand(op, 1)};
      arguments.insert(arguments.end(), plan->bound().begin(), plan->bound().end());
      const uint64_t plan_call = plan->plan_call() != 0 ? plan->plan_call() : frame().plan_call;
      EnterFunction(op, plan->module(), plan->function(), std::move(arguments), plan_call);
      return true;
    }
    default:
      return false;
  }
}

CallPathPtr Machine::SitePath(const ir::Op& op) {
  const Frame& f = frame();
  const ir::Site& site = f.function->sites[op.site.index];
  const std::string_view label = site.label.valid() ? std::string_view(f.module->text(site.label)) : std::string_view();
  const std::string& callee = f.module->text(site.callee);
  if (label.empty() && site.ordinal == 0 && f.loops.empty()) return CallPath::Make(f.path, callee);
  return CallPath::Make(f.path, PathSegment(callee, site.ordinal, label, f.loops));
}

void Machine::Issue(const ir::Op& op) {
  // The innermost scope that is at its end has the first say.
  for (ScopePtr scope = task_.scope; scope != nullptr; scope = scope->parent) {
    if (!scope->exhausted && scope->calls < scope->call_limit) continue;
    Exhaust(*scope, TrapKind::kCallBudget);
    Raised raised = ExhaustedTrap(scope);
    return Trap(op, raised.trap.kind, std::move(raised.trap.message), scope);
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
  Host::IssueArguments arguments{task_,  f.module,         callee,  operands(op),     SitePath(op),
                                 f.path, f.function->file, op.span, std::move(future)};
  FuturePtr made = arguments.future;
  FinishFuture(op, std::move(made));
  run_.host->Issue(std::move(arguments));
}

bool Machine::DropSettledChild(const FuturePtr& future) {
  for (size_t i = 0; i < task_.children.size(); ++i) {
    if (task_.children[i].future != future) continue;
    future->owner = nullptr;
    task_.children.erase(task_.children.begin() + static_cast<ptrdiff_t>(i));
    return true;
  }
  return false;
}

void Machine::Await(const ir::Op& op) {
  Frame& f = frame();
  const FuturePtr future = f.futures[f.function->OperandsOf(op)[0].index];
  if (future->state == Future::State::kPending) return WaitFor(future);
  if (DropSettledChild(future)) position().turns.Merge(future->turns);
  if (future->state == Future::State::kTrapped) return Raise(*future->raised, future->order);
  Finish(op, Value(future->value));
}

FuturePtr Machine::Spawn(const ir::Op& op, uint32_t region, std::vector<Value> params, int64_t loop, Child place,
                         bool filter) {
  const Frame& parent = frame();
  // The copy of the environment is paid for in fuel.
  run_.fuel -= static_cast<int64_t>(parent.values.size() / 4);
  auto task = std::make_shared<Task>();
  task->run = &run_;
  task->scope = task_.scope;
  task->result = MakeLocal<Future>();
  task->result->order = op.order;
  task->result->owner = &task_;
  auto child = std::make_unique<Frame>();
  child->module = parent.module;
  child->function = parent.function;
  child->values = parent.values;
  child->futures = parent.futures;
  child->loops = parent.loops;
  child->path = parent.path;
  child->depth = parent.depth;
  child->plan_call = parent.plan_call;
  if (loop >= 0) {
    // A fold has put its own index there already when it spawns what runs ahead.
    if (op.code == Opcode::kFold) {
      child->loops.back() = loop;
    } else {
      child->loops.push_back(loop);
    }
  }
  Position start;
  start.region = op.first_region.index + region;
  start.filter = filter;
  const ir::Region& code = parent.function->regions[start.region];
  start.next = code.op_begin;
  for (size_t i = 0; i < params.size(); ++i) child->values[code.first_param + i] = std::move(params[i]);
  child->positions.push_back(std::move(start));
  task->frames.push_back(std::move(child));
  place.future = task->result;
  place.task = task;
  place.frame = task_.frames.size() - 1;
  task_.children.push_back(std::move(place));
  run_.host->Ready(task);
  return task->result;
}

void Machine::Each(const ir::Op& op) {
  Position& p = position();
  if (p.join == nullptr) {
    const std::vector<Value>& items = operand(op, 0).as_list();
    auto join = std::make_unique<Join>();
    for (size_t i = 0; i < items.size(); ++i) {
      Child place;
      place.level = frame().positions.size() - 1;
      place.order = op.order;
      place.item = static_cast<int64_t>(i);
      const bool filter = op.region_count > 1;
      join->futures.push_back(Spawn(op, filter ? 1 : 0, {items[i], Value::Int(static_cast<int64_t>(i))},
                                    static_cast<int64_t>(i), std::move(place), filter));
    }
    p.join = std::move(join);
  }
  Join& join = *p.join;
  while (join.next < join.futures.size()) {
    const FuturePtr& future = join.futures[join.next];
    if (future->state == Future::State::kPending) return WaitFor(future);
    if (future->state == Future::State::kTrapped) {
      Raise(*future->raised, op.order, static_cast<int64_t>(join.next));
      return;
    }
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
  p.turns.nested += join.turns;
  p.join.reset();
  if (CheckBytes(op, list.as_list().size() * sizeof(Value))) Finish(op, std::move(list));
}

void Machine::EnterFunction(const ir::Op& op, ir::ModulePtr module, ir::FunctionId function,
                            std::vector<Value> arguments, uint64_t plan_call) {
  const uint32_t depth = frame().depth + 1;
  for (ScopePtr scope = task_.scope; scope != nullptr; scope = scope->parent) {
    if (depth <= scope->depth_limit) continue;
    return Trap(op, TrapKind::kDepthBudget, fmt::format("the budget of depth {} is used up", scope->depth_limit),
                scope);
  }
  run_.max_depth = std::max(run_.max_depth, depth);
  const ir::Function& code = module->function(function);
  JADE_CHECK(arguments.size() == code.body().param_count, "`{}` takes {} arguments, got {}", code.name,
             code.body().param_count, arguments.size());
  auto next = std::make_unique<Frame>();
  next->path = SitePath(op);
  next->depth = depth;
  next->plan_call = plan_call;
  next->function = &code;
  next->module = std::move(module);
  next->values.resize(code.values.size());
  for (size_t i = 0; i < arguments.size(); ++i) next->values[code.body().first_param + i] = std::move(arguments[i]);
  next->positions.emplace_back();
  next->positions.back().next = code.body().op_begin;
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
