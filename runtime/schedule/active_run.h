#pragma once
// Internal to runtime/schedule: one run under way. It is the Host of its tasks: makes their calls, keeps their records,
// counts their budget.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/schedule/call_state.h"
#include "runtime/schedule/scheduler.h"

namespace jade::schedule {

class ActiveRun final : public interp::Host {
 public:
  ActiveRun(Scheduler& scheduler, RunId id, const RunSpec& spec);

  uint32_t queued_tasks = 0;  // in the scheduler's ready queue

  void Begin(ir::FunctionId entry, std::vector<abi::Value> arguments);
  RunId id() const { return id_; }
  const interp::TaskPtr& root() const { return root_; }
  bool done() const { return root_->result->state != interp::Future::State::kPending || cancelled_; }
  void Cancel();
  RunResult Finish();
  // Answers that still come are nobody's.
  void ForgetRequests();
  const RunSetup& setup() const { return *setup_; }
  // The time of the run itself is over.
  void EndTime() { EndScope(context_.root, abi::TrapKind::kTimeBudget); }

  // Events of its calls, by the run's number of the call.
  void Started(uint64_t call);
  void Delta(uint64_t call, const std::string& text);
  void Replied(uint64_t call, engine::Reply reply);
  void ToolReplied(uint64_t call, engine::ToolReply reply);
  // The record of a call that has ended is on disk, or could not be written.
  void Recorded(uint64_t call, const std::optional<Error>& error);

  // interp::Host
  void Issue(IssueArguments arguments) override;
  void CancelCall(uint64_t call) override;
  void Ready(const interp::TaskPtr& task) override;
  int64_t NowMicros() const override;
  void WatchDeadline(const interp::ScopePtr& scope) override;
  void PlanOverrun(uint64_t plan_call) override;
  void ScriptReply(const ir::Callee& callee, std::span<const abi::Value> texts) override;
  void Expect(const interp::Task& task, const ir::Op& op, std::span<const abi::Value> operands) override;
  double PenaltyOf(const ir::Callee& callee) override;
  int64_t CallsOf(const ir::Callee& callee) override;

 private:
  using Call = CallState;
  using Outcome = CallState::Outcome;
  using ToolKey = std::pair<std::string, std::string>;  // name, arguments as canonical JSON
  using ToolCalls = std::map<ToolKey, uint64_t>;        // the call that is executed for all that are equal
  static ToolKey KeyOf(const Call& call) { return {call.role().name, call.prompt->front().text}; }
  // The number of a call is its index + 1.
  Call& call(uint64_t number) { return *calls_[number - 1]; }
  ToolCalls& tools() {
    if (tools_ == nullptr) tools_ = std::make_unique<ToolCalls>();
    return *tools_;
  }
  trace::CallRecord RecordOf(uint64_t number, bool take = false);
  int64_t Elapsed() const { return NowMicros() - started_us_; }

  void SubmitModel(uint64_t number);
  // Tools are pure: identical calls of one run share one execution. Each is logged and counted all the same.
  void BeginTool(uint64_t number);
  void SubmitTool(uint64_t number);
  void RetryTool(uint64_t number, const Error& error);
  void FailTool(uint64_t number, const Error& error);
  // The execution was cancelled: another of those who share it takes it over, once it is clear who is left.
  void PassOnTool(uint64_t number);
  engine::Sampling SamplingFor(const Call& call) const;
  // The named weight set that serves it; empty: the engine's default, and of tools.
  std::string PolicyFor(const Call& call) const;
  call::CallContext ContextOf(const Call& call) const;
  void CountTokens(Call& call, int64_t tokens);
  // Cancels the calls in flight inside a scope whose budget is used up.
  void EndScope(const interp::ScopePtr& scope, abi::TrapKind kind);
  void Succeed(uint64_t number, abi::Value value);
  void Fail(uint64_t number, abi::Trap trap, interp::ScopePtr exhausted = nullptr);
  // Ends a call and gives its outcome to the program, at once or when its record is on disk.
  void Conclude(uint64_t number, trace::CallStatus status, Outcome outcome);
  void Deliver(Call& call, Outcome outcome);
  void End(uint64_t number, trace::CallStatus status);
  void Log(uint64_t number);
  abi::Trap FailureOf(const Call& call, const Error& error) const;

  Scheduler& scheduler_;
  RunId id_;
  std::shared_ptr<const RunSetup> setup_;
  uint64_t seed_;
  interp::RunContext context_;
  interp::TaskPtr root_;
  std::vector<std::unique_ptr<Call>> calls_;
  std::unique_ptr<ToolCalls> tools_;  // null: no tool was called
  int64_t started_us_ = 0;
  bool cancelled_ = false;
};

// By id. A run stands in its node: thousands of them wait.
struct ActiveRuns : std::unordered_map<RunId, ActiveRun> {};

}  // namespace jade::schedule
