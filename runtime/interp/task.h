#pragma once
// The state of a run in tier 0, all of it on the heap: tasks (threads of control inside one run), their frames, the
// futures they wait for and the budget scopes they are in. Nothing is on the C++ stack between steps, so a task can
// stop at any operation and thousands of runs share one thread.
//
// Ownership: a parent's child list and whoever waits own tasks and futures by shared pointers; a task does not own its
// parent. Everything belongs to one scheduler thread.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/abi/trap.h"
#include "compiler/abi/value.h"
#include "compiler/ir/module.h"
#include "runtime/interp/boxed.h"
#include "runtime/interp/call_path.h"
#include "runtime/interp/local_ptr.h"
#include "runtime/interp/native.h"
#include "runtime/interp/waiters.h"

namespace jade::interp {

struct Task;
using TaskPtr = std::shared_ptr<Task>;

// A budget. Counters only grow. The root scope is the run's own budget.
struct Scope final : LocalCounted<Scope> {
  static constexpr int64_t kUnlimited = std::numeric_limits<int64_t>::max();

  uint32_t depth_limit = std::numeric_limits<uint32_t>::max();  // absolute
  LocalPtr<Scope> parent;
  int64_t call_limit = kUnlimited;
  int64_t token_limit = kUnlimited;
  int64_t deadline_us = kUnlimited;  // on the scheduler's clock
  int64_t calls = 0;
  int64_t tokens = 0;
  std::optional<abi::TrapKind> exhausted;  // set once, when a counter passes its limit

  // Of this scope and those around it, the smallest.
  int64_t CallLimit() const {
    int64_t limit = call_limit;
    for (const Scope* scope = parent.get(); scope != nullptr; scope = scope->parent.get()) {
      limit = std::min(limit, scope->call_limit);
    }
    return limit;
  }

  bool IsInside(const Scope* outer) const {
    for (const Scope* scope = this; scope != nullptr; scope = scope->parent.get()) {
      if (scope == outer) return true;
    }
    return false;
  }
};
using ScopePtr = LocalPtr<Scope>;

// A trap on its way up. `exhausted` is the scope whose budget ended; scopes inside it do not catch the trap.
struct Raised {
  abi::Trap trap;
  ScopePtr exhausted;
  uint32_t origin = 0;  // in the run's Origins
};

// Sequential rounds of work, the `turns` of a run: `Run.turns` of docs/method.md. `direct`: this stretch of code made
// executor or tool calls itself; `nested`: turns of frames and loops inside it.
struct Turns {
  int32_t nested = 0;  // fewer than the run's calls
  bool direct = false;
  int32_t Rounds() const { return nested > (direct ? 1 : 0) ? nested : (direct ? 1 : 0); }  // of one loop iteration
  int32_t Total() const { return nested + (direct ? 1 : 0); }                               // of a frame
  void Merge(const Turns& other) {
    direct = direct || other.direct;
    nested += other.nested;
  }
};

// A value that is not there yet: of a call in flight, or of a child task.
struct Future final : LocalCounted<Future> {
  enum class State : uint8_t { kPending, kReady, kTrapped };
  uint32_t order = 0;  // of the operation that made it
  uint32_t call = 0;   // call in flight, or 0
  State state = State::kPending;
  bool dropped = false;  // an `each` item that the filter refused
  Turns turns;           // of a child task; merged when its parent awaits it first
  abi::Value value;
  Boxed<Raised> raised;   // kTrapped
  Task* owner = nullptr;  // the task whose child this is; cleared when the owner ends
  Waiters waiters;
};
using FuturePtr = LocalPtr<Future>;

// Something a task has started: a call or a child task.
struct Child {
  FuturePtr future;
  TaskPtr task;        // null for a call
  uint32_t frame = 0;  // where it belongs: frame and depth of the region in it
  uint32_t level = 0;
  int64_t ahead = -1;  // iteration that a fold's `ahead` child is for
  int64_t item = -1;   // index of an `each`'s item: after `order` when children are compared
  uint32_t order = 0;  // program order of the operation
};

// The wait of an `each` for its children.
struct Join {
  std::vector<FuturePtr> futures;
  size_t next = 0;
  std::vector<abi::Value> results;
  int32_t turns = 0;
  uint32_t kept = 0;  // origin of what the filter said
};

// What an `enter` sets aside of its frame until its region ends.
struct Surroundings {
  CallPathPtr path;
  std::vector<int64_t> loops;
  uint32_t file = ir::kInvalidIndex;
};

// One region being run.
struct Position {
  uint32_t region = 0;
  uint32_t next = 0;                   // absolute index of the operation to run
  uint32_t owner = ir::kInvalidIndex;  // operation whose region this is; invalid for a base region
  int32_t loop_turns = 0;              // of finished iterations
  int64_t index = -1;                  // iteration, in loops
  abi::Value accumulator;              // fold, repeat: the state; map: the list so far
  ScopePtr scope;                      // body of a `within`
  [[no_unique_address]] Turns turns;   // its padding holds `filter`
  bool filter = false;                 // the filter region of an `each` or `map`
  std::unique_ptr<Join> join;
  std::unique_ptr<std::vector<FuturePtr>> ahead;  // fold: by region, then item
  std::unique_ptr<Surroundings> around;           // region of an `enter`
};

// Path, depth, loops and file are those of the innermost `enter`, where one is being run.
struct Frame {
  ir::ModulePtr module;
  const ir::Function* function = nullptr;
  std::vector<abi::Value> values;   // by ValueId; empty in compiled code
  std::vector<FuturePtr> futures;   // by ValueId, up to the last one made; compiled code: as its unit says
  std::vector<Position> positions;  // compiled code: of those regions alone that the runtime has to know of
  std::vector<int64_t> loops;
  CallPathPtr path;
  uint32_t file = ir::kInvalidIndex;  // Module::files; spans refer to it
  uint32_t depth = 0;
  uint64_t plan_call = 0;  // the planner call whose plan this frame runs, or 0

  ActivationPtr native;  // compiled code; null: the interpreter runs the frame

  // The operation that the frame stopped at, or goes on with.
  const ir::Op& op() const { return function->ops[native != nullptr ? native->frame.op : positions.back().next]; }
};

struct RunContext;

struct Task : std::enable_shared_from_this<Task> {
  enum class State : uint8_t { kReady, kWaiting, kDone };
  RunContext* run = nullptr;
  State state = State::kReady;
  bool queued = false;  // in the scheduler's ready queue
  std::vector<std::unique_ptr<Frame>> frames;
  std::vector<Child> children;
  ScopePtr scope;
  FuturePtr result;  // settled when the task ends
  FuturePtr waiting_for;
  Boxed<Raised> raised;      // a trap being unwound
  uint32_t raise_order = 0;  // its place among the operations of the current region
  int64_t raise_item = -1;
  std::string* emit = nullptr;  // where a template function writes
};

// What a Plan value of the interpreter refers to: a function and its bound arguments.
class PlanFunction final : public abi::PlanTarget {
 public:
  PlanFunction(ir::ModulePtr module, ir::FunctionId function, std::vector<abi::Value> bound, std::string text,
               uint64_t plan_call = 0)
      : module_(std::move(module)),
        function_(function),
        bound_(std::move(bound)),
        text_(std::move(text)),
        plan_call_(plan_call) {}
  std::string_view text() const override { return text_; }
  const ir::ModulePtr& module() const { return module_; }
  ir::FunctionId function() const { return function_; }
  const std::vector<abi::Value>& bound() const { return bound_; }  // arguments after the first
  uint64_t plan_call() const { return plan_call_; }

 private:
  ir::ModulePtr module_;
  ir::FunctionId function_;
  std::vector<abi::Value> bound_;
  std::string text_;
  uint64_t plan_call_;
};

}  // namespace jade::interp
