#pragma once
// What a run is given and what it leaves behind, as the scheduler sees them.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compiler/abi/trap.h"
#include "compiler/ir/module.h"
#include "runtime/builtins/builtins.h"
#include "runtime/call/prompt.h"
#include "runtime/interp/origins.h"
#include "runtime/trace/record.h"
#include "runtime/trace/store.h"

namespace jade::schedule {

using RunId = uint64_t;

// Of a whole run; a `within` can only make it smaller.
struct Budget {
  int64_t depth = 4;
  int64_t calls = 64;
  int64_t tokens = 8192;  // generated
  double seconds = 120;
  int64_t fuel = 50'000'000;  // interpreter steps between calls, all together
};

// How roles sample: the configuration's word for a role comes first, then the `.jade` file's, then the configuration's
// default.
struct RoleSettings {
  ir::SamplingSpec defaults;
  std::map<std::string, ir::SamplingSpec> roles;
  std::string policy;                           // named weight set of the roles not in `policies`; empty: the default
  std::map<std::string, std::string> policies;  // role: named weight set
  bool constrained = false;                     // replies are what their role's format and check of plans admit
};

// Told on the scheduler's thread what happens. A record shows its call as it stands; it may still change until
// RunFinished (a plan that overruns its budget gets its penalty late).
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void CallIssued(RunId, const trace::CallRecord&) {}
  virtual void TokenDelta(RunId, const trace::CallRecord&, const std::string& /*text*/) {}
  // With a durable store: not before the record is on disk.
  virtual void CallFinished(RunId, const trace::CallRecord&) {}
  virtual void RunFinished(RunId) {}
};

// What the operations of test blocks do.
class TestHooks {
 public:
  virtual ~TestHooks() = default;
  virtual void Reply(const ir::Callee& callee, const std::vector<std::string>& texts) = 0;
  // `place` has file, span and path; its message is the expectation's source text.
  virtual void Expect(bool held, abi::Trap place, const std::string& left, const std::string& right) = 0;
};

struct RunResult;

// Who started runs and keeps what is known about them besides.
class RunOwner {
 public:
  virtual ~RunOwner() = default;
  // The id under which RunSetup::store knows the run.
  virtual std::string StoreId(RunId run) const = 0;
  // The run is over, whatever ended it; told before its observer.
  virtual void RunEnded(RunId run, const RunResult& result) = 0;
};

// What any number of runs have in common: they share it. What it points to outlives them.
struct RunSetup {
  ir::ModulePtr module;
  std::vector<abi::Value> params;  // of Module::params
  builtins::Settings builtins;
  std::shared_ptr<const RoleSettings> settings;   // may be null
  call::PlanCompiler* plans = nullptr;            // null: the module has no planner
  call::ConstraintSource* constraints = nullptr;  // null: replies are free
  interp::CodeSource* code = nullptr;             // null: everything is interpreted
  RunObserver* observer = nullptr;
  TestHooks* test = nullptr;
  RunOwner* owner = nullptr;  // may be null when there is no store
  // Where calls are written when they end; the run is there already. Null: nowhere. With a durable store, the value of
  // a call reaches the program only when its record is on disk.
  trace::Store* store = nullptr;
  bool stream = false;  // ask engines for token deltas
};

struct RunSpec {
  std::shared_ptr<const RunSetup> setup;
  ir::FunctionId entry;
  std::vector<abi::Value> arguments;  // all of the entry's parameters
  uint64_t seed = 0;
  Budget budget;
  // Told where the values of the run come from, and outlives it; then everything is interpreted. Null: nobody is.
  interp::Origins* origins = nullptr;
};

struct RunResult {
  trace::RunStatus status = trace::RunStatus::kDone;
  abi::Value value;                      // kDone
  std::optional<abi::Trap> trap;         // otherwise
  std::vector<trace::CallRecord> calls;  // in order of issue
  // The language's `Run`.
  int64_t turns = 0;
  int64_t retrievals = 0;
  int64_t call_count = 0;
  int64_t tokens = 0;
  int64_t prompt_tokens = 0;
  int64_t depth = 0;
  int64_t elapsed_us = 0;
};

}  // namespace jade::schedule
