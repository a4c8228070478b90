#pragma once
// Tier 0: runs JIR as it stands. It is the specification of what a program means; compiled code, which it enters where
// there is some (native.h), must agree with it.
//
// The interpreter advances one task until it ends, has to wait, or used up its slice. Everything that leaves the run
// (calls, time, scripts of tests) goes through the Host, which the scheduler implements. One thread.

#include <span>

#include "runtime/builtins/builtins.h"
#include "runtime/interp/origins.h"
#include "runtime/interp/task.h"

namespace jade::interp {

class Host {
 public:
  virtual ~Host() = default;

  struct IssueArguments {
    Task& task;
    const ir::ModulePtr& module;
    ir::CalleeId callee;
    std::vector<abi::Value> arguments;
    CallPathPtr path;
    CallPathPtr parent;  // of the frame that issues
    uint32_t file;       // index in the module's files, or ir::kInvalidIndex
    source::Span span;
    FuturePtr future;  // to be settled (Settle, SettleTrap) later, or at once
  };
  // Starts a call. Budgets have been checked and counted.
  virtual void Issue(IssueArguments arguments) = 0;
  // Nobody wants this call any more; its future is no longer read.
  virtual void CancelCall(uint64_t call) = 0;
  // The task can go on: put it in the ready queue, once.
  virtual void Ready(const TaskPtr& task) = 0;
  virtual int64_t NowMicros() const = 0;
  // A `within` with a deadline was entered.
  virtual void WatchDeadline(const ScopePtr& scope) = 0;
  // A plan made by this call ended its scope's budget.
  virtual void PlanOverrun(uint64_t plan_call) = 0;

  // Test blocks.
  virtual void ScriptReply(const ir::Callee& callee, std::span<const abi::Value> texts) = 0;
  virtual void Expect(const Task& task, const ir::Op& op, std::span<const abi::Value> operands) = 0;
  virtual double PenaltyOf(const ir::Callee& callee) = 0;
  virtual int64_t CallsOf(const ir::Callee& callee) = 0;
};

// What the tasks of one run share.
struct RunContext {
  Host* host = nullptr;
  std::span<const abi::Value> params;  // by index in Module::params; outlive the run
  builtins::Settings builtins;
  int64_t fuel = 50'000'000;  // operations and bytes/64 left
  ScopePtr root;
  uint32_t max_depth = 0;
  CodeSource* code = nullptr;  // null: everything is interpreted
  Origins* origins = nullptr;  // null: values are not marked; else everything is interpreted
};

// A task at the start of `function`. `arguments` are all its parameters. Not queued yet.
TaskPtr MakeTask(RunContext* run, ir::ModulePtr module, ir::FunctionId function, std::vector<abi::Value> arguments,
                 CallPathPtr path, ScopePtr scope);

// Advances the task by at most `slice` operations. Afterwards it is kDone (its result future settled), kWaiting, or
// still kReady: then the caller queues it again.
void Advance(const TaskPtr& task, int slice);

// Ends a pending future and readies its waiters.
void Settle(RunContext& run, Future& future, abi::Value value);
void SettleTrap(RunContext& run, Future& future, Raised raised);

// Stops a task and everything it started. Its result future stays pending.
void CancelTask(Task& task);

// Marks a scope as exhausted; tasks in it trap at their next call or slice.
void Exhaust(Scope& scope, abi::TrapKind kind);
// The trap of an exhausted scope.
Raised ExhaustedTrap(const ScopePtr& scope);

// Runs a function that makes no calls to its end: checks, fallbacks, templates, defaults, rewards. Text that a template
// emits goes to `emit`. Calls trap kCallFailed; more than `fuel` operations trap kFuel.
inline constexpr int64_t kPureFuel = 5'000'000;
struct PureResult {
  std::optional<abi::Trap> trap;
  abi::Value value;
};
PureResult EvaluatePure(const ir::ModulePtr& module, ir::FunctionId function, std::vector<abi::Value> arguments,
                        const std::vector<abi::Value>& params, const builtins::Settings& builtins,
                        std::string* emit = nullptr, int64_t fuel = kPureFuel, CodeSource* code = nullptr);

}  // namespace jade::interp
