#pragma once
// The C++ entry to JADE: load a program, start runs, watch them, take what they leave.
//
//   auto loaded = session::Program::LoadFile("solve.jade");               // Result<Loaded>
//   if (loaded->program == nullptr) { …show loaded->diagnostics…; return 1; }
//   session::Session session(&engine, {&retriever});
//   session::RunRequest request;
//   request.program = loaded->program;
//   request.inputs = {{"question", "Who wrote Dune?"}};
//   Result<session::RunId> run = session.Start(request);                  // as many as you like
//   session.Drain();                                                      // or Pump() in a loop of your own
//   session::FinishedRun finished = session.Take(*run);                   // value or trap, RunRecord, CallRecords
//
// docs/embedding.md goes on from here: an engine of your own, plans, thousands of runs at once, transitions.
//
// A Session belongs to one thread; the engine and the tools outlive it and may have threads of their own.

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/schedule/scheduler.h"
#include "runtime/session/constraint_cache.h"
#include "runtime/session/plan_cache.h"
#include "runtime/session/program.h"
#include "runtime/session/snippet.h"

namespace jade::session {

using schedule::Budget;
using schedule::RoleSettings;
using schedule::RunId;
using schedule::RunObserver;

// A text that a planner may write, compiled: what a run can start with in place of a workflow. Immutable; it may
// outlive the session that compiled it.
struct RunnablePlan {
  ProgramPtr program;
  ir::ModulePtr module;          // extends the program's; main() is the plan
  std::string text;              // canonical
  types::Signature signature;    // its one input, named as in the planner's blocks, and its result
  std::optional<int64_t> calls;  // the most that it makes; none: it hangs on what is found while it runs
};

struct PlanCheck {
  std::shared_ptr<const RunnablePlan> plan;  // null: the planner may not write it
  bool parsed = false;                       // the text is a plan at all
  std::string diagnostics_json;              // why not: as in trace::CallRecord
};

struct RunRequest {
  ProgramPtr program;
  std::string workflow;  // empty: the main one
  // Run instead of a workflow; of the same program. Its input is given among `inputs`.
  std::shared_ptr<const RunnablePlan> plan;
  // Inputs by parameter name. For a Text (or a nominal type over it) the text itself, for everything else JSON.
  // Optional parameters may be left out.
  std::map<std::string, std::string> inputs;
  std::shared_ptr<const Snippet> snippet;     // in the place of a workflow and its inputs; null: none
  std::map<std::string, std::string> params;  // of `param`s, written as inputs are; the others keep their default
  uint64_t seed = 0;
  Budget budget;
  builtins::Normalisation normalisation = builtins::Normalisation::kJade;
  std::shared_ptr<const RoleSettings> settings;
  RunObserver* observer = nullptr;     // outlives the run
  interp::CodeSource* code = nullptr;  // compiled code (runtime/jit); outlives the run. Null: everything is interpreted
  interp::Origins* origins = nullptr;  // as schedule::RunSpec has it, of this run alone
  bool stream = false;                 // TokenDelta events
  // Where the run is recorded as it goes: itself when it starts and when it is over, each call when it ends. Null:
  // nowhere. Outlives the session.
  trace::Store* store = nullptr;
  // With gold answers and the name of a reward, the finished run carries its team reward.
  std::vector<std::string> gold;
  std::string reward;
};

struct FinishedRun {
  std::optional<abi::Value> value;  // none when the run trapped or was cancelled
  std::optional<abi::Trap> trap;
  std::string answer;  // the value as text: of a Text its characters, else JSON; empty without a value
  trace::RunRecord run;
  std::vector<trace::CallRecord> calls;  // in order of issue
};

class Session final : private schedule::RunOwner {
 public:
  // The clock may be null: real time.
  Session(engine::Engine* engine, std::vector<engine::ToolProvider*> tools,
          std::shared_ptr<engine::Clock> clock = nullptr);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Checks and compiles a plan as if `planner` had written it, without a model. What was compiled before is looked up.
  // Fails with kNotFound when the program has no such planner.
  Result<PlanCheck> CompilePlan(const ProgramPtr& program, const std::string& planner, const std::string& text);

  // Fails with kNotFound or kInvalidArgument when workflow, inputs, params or reward do not fit the program, and when
  // the store takes no more.
  Result<RunId> Start(const RunRequest& request);

  // As in schedule::Scheduler.
  bool Pump(std::chrono::microseconds max_wait = std::chrono::milliseconds(100)) { return scheduler_.Pump(max_wait); }
  void Drain(const std::atomic<bool>* interrupt = nullptr) { scheduler_.Drain(interrupt); }
  void Cancel(RunId run) { scheduler_.Cancel(run); }
  void CancelAll() { scheduler_.CancelAll(); }
  bool active(RunId run) const { return scheduler_.active(run); }
  size_t active_count() const { return scheduler_.active_count(); }

  // Drops the plans compiled for programs, and with them its hold on the programs. No run may be active.
  void ForgetPrograms();

  // What a run that is no longer active left behind; once.
  FinishedRun Take(RunId run);

 private:
  // What a request says apart from inputs, seed and gold answers. Runs that agree in it share it.
  struct Setup : schedule::RunSetup {
    RunRequest request;  // without those
    std::string backbone;
    Program::Workflow workflow;  // of a plan: its text, and no defaults
    Program::Workflow reward;    // of a request that names one
  };
  // A run that has been started and not been taken.
  struct Pending {
    std::shared_ptr<const Setup> setup;
    std::unique_ptr<abi::Value[]> arguments;               // of all the workflow's parameters
    std::unique_ptr<const std::vector<std::string>> gold;  // null: none
    uint64_t id = 0;                                       // in the store
    uint64_t seed = 0;
    int64_t started_unix_us = 0;
    std::optional<double> reward;
  };
  PlanCache* PlansOf(const ProgramPtr& program);
  ConstraintCache* ConstraintsOf(const ProgramPtr& program);
  Result<std::shared_ptr<const Setup>> SetupOf(const RunRequest& request);
  static trace::RunRecord NewRecord(const Pending& pending);
  static trace::RunRecord EndRecord(const Pending& pending, const schedule::RunResult& result);
  static std::optional<double> RewardOf(const Pending& pending, const schedule::RunResult& result);

  std::string StoreId(RunId run) const override;
  void RunEnded(RunId run, const schedule::RunResult& result) override;

  engine::Engine* engine_;
  std::map<const Program*, std::unique_ptr<PlanCache>> plans_;
  constrain::Library library_;
  std::map<const Program*, std::unique_ptr<ConstraintCache>> constraints_;
  std::deque<std::shared_ptr<const Setup>> setups_;  // the latest few, newest first
  std::unordered_map<RunId, Pending> pending_;
  uint64_t started_ = 0;
  schedule::Scheduler scheduler_;  // last: its runs use what stands above
};

// All arguments of a workflow: inputs by name, and the defaults of the others, which may use `params`, the values that
// BindParams gave. Fails with kInvalidArgument and what to give.
Result<std::vector<abi::Value>> BindInputs(const Program& program, const Program::Workflow& workflow,
                                           const std::map<std::string, std::string>& inputs,
                                           const std::vector<abi::Value>& params, const builtins::Settings& builtins);

// The values of a program's `param`s: those given, as JSON by name, and the defaults of the others.
Result<std::vector<abi::Value>> BindParams(const Program& program, const std::map<std::string, std::string>& given,
                                           const builtins::Settings& builtins);

// One input as given on a command line or in a question set.
Result<abi::Value> ReadInput(const std::string& text, types::TypeId type, const types::TypeTable& types);

// The language's `Run` record, by the names of its fields; fields it does not know are 0.
abi::Value RunValue(const schedule::RunResult& result, types::TypeId type, const types::TypeTable& types);

}  // namespace jade::session
