#include "runtime/interp/interpreter.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "runtime/interp/machine.h"

namespace jade::interp {

using abi::TrapKind;
using abi::Value;

TaskPtr MakeTask(RunContext* run, ir::ModulePtr module, ir::FunctionId function, std::vector<Value> arguments,
                 CallPathPtr path, ScopePtr scope) {
  auto task = std::make_shared<Task>();
  task->run = run;
  task->scope = std::move(scope);
  task->result = MakeLocal<Future>();
  std::unique_ptr<Frame> frame = MakeFrame(*task, std::move(module), function, std::move(arguments));
  frame->path = std::move(path);
  task->frames.push_back(std::move(frame));
  return task;
}

namespace {
void WakeWaiters(RunContext& run, Future& future) {
  future.waiters.WakeAll([&run](Task* waiter) {
    waiter->state = Task::State::kReady;
    waiter->waiting_for = nullptr;
    run.host->Ready(waiter->shared_from_this());
  });
}

// Program order among the children of one region.
bool IsAfter(const Child& child, const Child& other) {
  if (child.ahead != other.ahead) return child.ahead > other.ahead && other.ahead >= 0;
  return std::pair(child.order, child.item) > std::pair(other.order, other.item);
}

// A child trapped: what its parent started later in program order has become pointless. Whoever waits for it, or comes
// to do so, ends by the same trap.
void CancelLaterSiblings(RunContext& run, Task& owner, const Future& trapped) {
  const auto found = std::find_if(owner.children.begin(), owner.children.end(),
                                  [&](const Child& child) { return child.future.get() == &trapped; });
  if (found == owner.children.end()) return;
  const Child cause = *found;
  std::vector<FuturePtr> pointless;
  for (size_t i = 0; i < owner.children.size();) {
    Child& child = owner.children[i];
    const bool later = child.frame == cause.frame && child.level == cause.level && IsAfter(child, cause);
    if (!later || child.future->state != Future::State::kPending) {
      ++i;
      continue;
    }
    Child cancelled = std::move(child);
    owner.children.erase(owner.children.begin() + static_cast<ptrdiff_t>(i));
    CancelChild(run, cancelled);
    pointless.push_back(std::move(cancelled.future));
  }
  for (const FuturePtr& future : pointless) {
    future->state = Future::State::kTrapped;
    future->raised = trapped.raised;
    future->order = trapped.order;
    WakeWaiters(run, *future);
  }
}
}  // namespace

void Settle(RunContext& run, Future& future, Value value) {
  if (future.state != Future::State::kPending) return;
  if (run.origins != nullptr && future.call != 0) {
    value = run.origins->Unmarked(value);
    run.origins->Mark(value, run.origins->OfCall(future.call - 1));
  }
  future.state = Future::State::kReady;
  future.value = std::move(value);
  future.call = 0;
  WakeWaiters(run, future);
}

void SettleTrap(RunContext& run, Future& future, Raised raised) {
  if (future.state != Future::State::kPending) return;
  if (run.origins != nullptr && future.call != 0) raised.origin = run.origins->OfCall(future.call - 1);
  future.state = Future::State::kTrapped;
  future.raised = std::move(raised);
  future.call = 0;
  WakeWaiters(run, future);
  if (future.owner != nullptr) CancelLaterSiblings(run, *future.owner, future);
}

void CancelChild(RunContext& run, Child& child) {
  child.future->owner = nullptr;
  if (child.future->call != 0) {
    const uint64_t call = child.future->call;
    child.future->call = 0;
    run.host->CancelCall(call);
  }
  if (child.task != nullptr) CancelTask(*child.task);
}

void CancelTask(Task& root) {
  // Children are taken over into one list, so that deep trees do not recurse.
  std::vector<Child> pending;
  auto stop = [&pending](Task& task) {
    task.state = Task::State::kDone;
    if (task.waiting_for != nullptr) task.waiting_for->waiters.Remove(&task);
    task.waiting_for = nullptr;
    task.raised.reset();
    for (Child& child : task.children) pending.push_back(std::move(child));
    task.children.clear();
    task.frames.clear();
  };
  RunContext& run = *root.run;
  stop(root);
  while (!pending.empty()) {
    Child child = std::move(pending.back());
    pending.pop_back();
    child.future->owner = nullptr;
    if (child.future->call != 0) run.host->CancelCall(std::exchange(child.future->call, 0));
    if (child.task != nullptr) stop(*child.task);
  }
}

void Exhaust(Scope& scope, TrapKind kind) {
  if (!scope.exhausted) scope.exhausted = kind;
}

Raised ExhaustedTrap(const ScopePtr& scope) {
  Raised raised;
  raised.exhausted = scope;
  raised.trap.kind = scope->exhausted.value_or(TrapKind::kCallBudget);
  switch (raised.trap.kind) {
    case TrapKind::kCallBudget:
      raised.trap.message = fmt::format("the budget of {} calls is used up", scope->call_limit);
      break;
    case TrapKind::kTokenBudget:
      raised.trap.message = fmt::format("the budget of {} tokens is used up", scope->token_limit);
      break;
    case TrapKind::kTimeBudget:
      raised.trap.message = "the time of the budget is over";
      break;
    case TrapKind::kFuel:
      raised.trap.message = "the run took more steps than one run may take";
      break;
    default:
      raised.trap.message = fmt::format("the budget is used up ({})", abi::TrapKindName(raised.trap.kind));
  }
  return raised;
}

void Advance(const TaskPtr& task, int slice) {
  if (task->state != Task::State::kReady) return;
  const TaskPtr keep = task;  // NOLINT(performance-unnecessary-copy-initialization): keeps the task alive
  Machine(*task).Run(slice);
}

void Machine::Run(int slice) {
  if (!task_.raised) {
    for (ScopePtr scope = task_.scope; scope != nullptr; scope = scope->parent) {
      if (!scope->exhausted) continue;
      const ir::Op& op = frame().op();
      Raised raised = ExhaustedTrap(scope);
      Trap(op, raised.trap.kind, raised.trap.message, scope);
      break;
    }
  }
  while (slice-- > 0 && task_.state == Task::State::kReady) {
    if (task_.raised) {
      if (!Unwind()) return;
      continue;
    }
    if (frame().native != nullptr) {
      Activation& native = *frame().native;
      const NativeFunctionPtr code = native.code;  // the frame may end in there
      native.unit->entry(&native.frame);
      continue;
    }
    const ir::Op& op = frame().op();
    if (Burn(op, 1)) Step(op);
  }
}

std::vector<Value> Machine::operands(const ir::Op& op) {
  std::vector<Value> values;
  values.reserve(op.operand_count);
  for (uint32_t i = 0; i < op.operand_count; ++i) values.push_back(operand(op, i));
  return values;
}

void Machine::Finish(const ir::Op& op, Value value) {
  Frame& f = frame();
  if (run_.origins != nullptr) MarkResult(op, &value);
  if (op.result.valid()) f.values[op.result.index] = std::move(value);
  ++f.positions.back().next;
}

void Machine::FinishFuture(const ir::Op& op, FuturePtr future) {
  Frame& f = frame();
  if (f.futures.size() <= op.result.index) f.futures.resize(op.result.index + 1);
  f.futures[op.result.index] = std::move(future);
  ++f.positions.back().next;
}

bool Machine::Burn(const ir::Op& op, int64_t amount) {
  run_.fuel -= amount;
  if (run_.fuel >= 0) return true;
  Exhaust(*run_.root, TrapKind::kFuel);
  Trap(op, TrapKind::kFuel, ExhaustedTrap(run_.root).trap.message, run_.root);
  return false;
}

bool Machine::CheckBytes(const ir::Op& op, uint64_t bytes) {
  if (bytes > run_.builtins.max_value_bytes) {
    Trap(op, TrapKind::kMemory,
         fmt::format("a value of {} bytes is larger than the {} a run may make", bytes, run_.builtins.max_value_bytes),
         run_.root);
    return false;
  }
  return Burn(op, static_cast<int64_t>(bytes / 64));
}

void Machine::Trap(const ir::Op& op, TrapKind kind, std::string message, ScopePtr exhausted) {
  Raised raised;
  raised.trap.kind = kind;
  raised.trap.message = std::move(message);
  const Frame& f = frame();
  if (f.file != ir::kInvalidIndex) raised.trap.file = f.module->file(f.file);
  raised.trap.span = op.span;
  if (f.path != nullptr) raised.trap.call_path = f.path->ToString();
  raised.exhausted = std::move(exhausted);
  if (run_.origins != nullptr) raised.origin = run_.origins->Join(OperandOrigin(op, /*deep=*/true), ControlHere());
  Raise(std::move(raised), RaiseOrder(op));
}

uint32_t Machine::RaiseOrder(const ir::Op& op) {
  return frame().native != nullptr ? frame().native->code->raise_order[IndexOf(op)] : op.order;
}

void Machine::Raise(Raised raised, uint32_t order, int64_t item) {
  task_.raised = std::move(raised);
  task_.raise_order = order;
  task_.raise_item = item;
}

void Machine::WaitFor(const FuturePtr& future) {
  task_.state = Task::State::kWaiting;
  task_.waiting_for = future;
  future->waiters.Add(&task_);
}

void Machine::Step(const ir::Op& op) {
  switch (ir::TraitOf(op.code)) {
    case ir::OpTrait::kPure:
    case ir::OpTrait::kTraps:
      if (StepConstant(op) || StepInt(op) || StepFloat(op) || StepCompare(op) || StepCompound(op)) return;
      [[fallthrough]];
    default:
      if (StepControl(op) || StepCall(op) || StepTest(op)) return;
  }
  JADE_UNREACHABLE("the interpreter has no `{}`", ir::OpcodeName(op.code));
}

namespace {
// The outside world of a function that makes no calls.
class PureHost final : public Host {
 public:
  explicit PureHost(RunContext* run) : run_(run) {}
  void Issue(IssueArguments arguments) override {
    Raised raised;
    raised.trap.kind = TrapKind::kCallFailed;
    raised.trap.message = "calls cannot be made here";
    if (arguments.file != ir::kInvalidIndex) raised.trap.file = arguments.module->file(arguments.file);
    raised.trap.span = arguments.span;
    SettleTrap(*run_, *arguments.future, std::move(raised));
  }
  void CancelCall(uint64_t) override {}
  void Ready(const TaskPtr& task) override { ready.push_back(task); }
  int64_t NowMicros() const override { return 0; }
  void WatchDeadline(const ScopePtr&) override {}
  void PlanOverrun(uint64_t) override {}
  void ScriptReply(const ir::Callee&, std::span<const Value>) override {}
  void Expect(const Task&, const ir::Op&, std::span<const Value>) override {}
  double PenaltyOf(const ir::Callee&) override { return 0; }
  int64_t CallsOf(const ir::Callee&) override { return 0; }

  std::deque<TaskPtr> ready;

 private:
  RunContext* run_;
};
}  // namespace

PureResult EvaluatePure(const ir::ModulePtr& module, ir::FunctionId function, std::vector<Value> arguments,
                        const std::vector<Value>& params, const builtins::Settings& builtins, std::string* emit,
                        int64_t fuel, CodeSource* code) {
  RunContext run;
  PureHost host(&run);
  run.host = &host;
  run.params = params;
  run.builtins = builtins;
  run.fuel = fuel;
  run.code = code;
  run.root = MakeLocal<Scope>();
  run.root->depth_limit = 1000;
  TaskPtr task =
      MakeTask(&run, module, function, std::move(arguments), CallPath::Root(module->function(function).name), run.root);
  task->emit = emit;
  host.ready.push_back(task);
  while (!host.ready.empty()) {
    TaskPtr next = std::move(host.ready.front());
    host.ready.pop_front();
    Advance(next, 1 << 20);
    if (next->state == Task::State::kReady) host.ready.push_back(next);
  }
  PureResult result;
  JADE_CHECK(task->result->state != Future::State::kPending, "`{}` waits for nothing", module->function(function).name);
  if (task->result->state == Future::State::kTrapped) {
    result.trap = std::move(task->result->raised->trap);
  } else {
    result.value = std::move(task->result->value);
  }
  return result;
}

}  // namespace jade::interp
