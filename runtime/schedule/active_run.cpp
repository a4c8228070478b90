#include "runtime/schedule/active_run.h"

#include <fmt/format.h>

#include <algorithm>

#include "compiler/abi/value_json.h"

namespace jade::schedule {

using abi::Trap;
using abi::TrapKind;
using abi::Value;
using interp::ScopePtr;
using trace::CallStatus;

ActiveRun::ActiveRun(Scheduler& scheduler, RunId id, const RunSpec& spec)
    : scheduler_(scheduler), id_(id), setup_(spec.setup), seed_(spec.seed) {
  started_us_ = NowMicros();
  context_.host = this;
  context_.params = setup_->params;
  context_.builtins = setup_->builtins;
  context_.fuel = spec.budget.fuel;
  context_.code = spec.origins == nullptr ? setup_->code : nullptr;
  context_.origins = spec.origins;
  auto scope = interp::MakeLocal<interp::Scope>();
  scope->depth_limit = static_cast<uint32_t>(std::clamp<int64_t>(spec.budget.depth, 0, 100'000));
  scope->call_limit = spec.budget.calls;
  scope->token_limit = spec.budget.tokens;
  scope->deadline_us = started_us_ + static_cast<int64_t>(std::clamp(spec.budget.seconds, 0.0, 1e9) * 1e6);
  context_.root = std::move(scope);
}

void ActiveRun::Begin(ir::FunctionId entry, std::vector<Value> arguments) {
  const ir::ModulePtr& module = setup_->module;
  root_ = interp::MakeTask(&context_, module, entry, std::move(arguments), scheduler_.RootPath(module->function(entry)),
                           context_.root);
  scheduler_.timers_.AtEndOf(id_, context_.root->deadline_us);
  Ready(root_);
}

void ActiveRun::Cancel() {
  cancelled_ = true;
  interp::CancelTask(*root_);
}

RunResult ActiveRun::Finish() {
  RunResult result;
  const interp::Future& future = *root_->result;
  if (future.state == interp::Future::State::kReady) {
    result.value = future.value;
    if (context_.origins != nullptr) context_.origins->SetResult(context_.origins->Deep(result.value));
  } else if (future.state == interp::Future::State::kTrapped) {
    result.status = trace::RunStatus::kTrapped;
    result.trap = future.raised->trap;
    if (context_.origins != nullptr) context_.origins->SetResult(future.raised->origin);
  } else {
    result.status = trace::RunStatus::kCancelled;
    result.trap = Trap{TrapKind::kCancelled, "the run was cancelled", nullptr, {}, ""};
  }
  result.turns = future.turns.Total();
  result.call_count = static_cast<int64_t>(calls_.size());
  result.depth = context_.max_depth;
  result.elapsed_us = Elapsed();
  result.calls.reserve(calls_.size());
  // A shared call names the path of another: all calls are there until the last record is made.
  for (uint64_t number = 1; number <= calls_.size(); ++number) {
    if (const Call& one = call(number); one.ending != nullptr) {
      result.tokens += one.ending->reply_tokens;
      result.prompt_tokens += one.ending->prompt_tokens;
    }
    const trace::CallRecord& record = result.calls.emplace_back(RecordOf(number, /*take=*/true));
    if (record.kind == trace::CallKind::kTool) ++result.retrievals;
  }
  return result;
}

void ActiveRun::ForgetRequests() {
  for (const std::unique_ptr<Call>& one : calls_) {
    if (one->request != 0) scheduler_.in_flight_.Remove(std::exchange(one->request, 0));
    if (one->held == nullptr) continue;
    scheduler_.recording_.Remove(one->held->recording);
    one->held.reset();
  }
}

trace::CallRecord ActiveRun::RecordOf(uint64_t number, bool take) {
  Call& one = call(number);
  const CallState* executed =
      one.tool == nullptr || one.tool->shared_with == 0 ? nullptr : &call(one.tool->shared_with);
  trace::CallRecord record = one.Record(number - 1, executed, take);
  record.policy = PolicyFor(one);
  return record;
}

void ActiveRun::Ready(const interp::TaskPtr& task) {
  scheduler_.MakeReady(task);
}

int64_t ActiveRun::NowMicros() const {
  return scheduler_.clock_->NowMicros();
}

void ActiveRun::WatchDeadline(const ScopePtr& scope) {
  Scheduler& scheduler = scheduler_;
  const RunId id = id_;
  scheduler_.timers_.At(id_, scope->deadline_us, [&scheduler, id, scope] {
    auto found = scheduler.active_->find(id);
    if (found != scheduler.active_->end()) found->second.EndScope(scope, TrapKind::kTimeBudget);
  });
}

void ActiveRun::EndScope(const ScopePtr& scope, TrapKind kind) {
  interp::Exhaust(*scope, kind);
  for (uint64_t number = 1; number <= calls_.size(); ++number) {
    Call& one = call(number);
    if (one.ended || !one.scope->IsInside(scope.get())) continue;
    if (one.request != 0) scheduler_.Abandon(std::exchange(one.request, 0));
    interp::Raised raised = interp::ExhaustedTrap(scope);
    raised.trap.file = one.File();
    raised.trap.span = one.span;
    raised.trap.call_path = one.ParentPath();
    one.End().error = raised.trap.message;
    End(number, CallStatus::kCancelled);
    const interp::FuturePtr future = std::move(one.future);
    interp::SettleTrap(context_, *future, std::move(raised));
  }
}

void ActiveRun::CountTokens(Call& one, int64_t tokens) {
  for (ScopePtr scope = one.scope; scope != nullptr; scope = scope->parent) {
    scope->tokens += tokens;
    if (scope->tokens > scope->token_limit && !scope->exhausted) EndScope(scope, TrapKind::kTokenBudget);
  }
}

// ---- test blocks
// -----------------------------------------------------------------------------------------------------

void ActiveRun::ScriptReply(const ir::Callee& callee, std::span<const Value> texts) {
  JADE_CHECK(setup_->test != nullptr, "a test block outside of a test");
  std::vector<std::string> replies;
  // A text is what the model writes (a tool: its JSON); another value is a tool's result.
  for (const Value& text : texts) {
    replies.push_back(text.kind() == abi::ValueKind::kText
                          ? text.as_text()
                          : abi::ToJson(text, callee.signature.result, setup_->module->types()));
  }
  setup_->test->Reply(callee, replies);
}

void ActiveRun::Expect(const interp::Task& task, const ir::Op& op, std::span<const Value> operands) {
  JADE_CHECK(setup_->test != nullptr, "a test block outside of a test");
  const interp::Frame& frame = *task.frames.back();
  Trap place;
  place.message = frame.module->text({static_cast<uint32_t>(op.imm)});
  if (frame.function->file != ir::kInvalidIndex) place.file = frame.module->file(frame.function->file);
  place.span = op.span;
  auto shown = [&](size_t i) {
    if (i >= operands.size()) return std::string();
    const ir::ValueId id = frame.function->OperandsOf(op)[i];
    return abi::ToJson(operands[i], frame.function->values[id.index].type, frame.module->types());
  };
  setup_->test->Expect(operands[0].as_bool(), std::move(place), shown(1), shown(2));
}

double ActiveRun::PenaltyOf(const ir::Callee& callee) {
  double sum = 0;
  for (const std::unique_ptr<Call>& one : calls_) {
    if (one->role().name == callee.name && one->ending != nullptr) sum += one->ending->penalty;
  }
  return sum;
}

int64_t ActiveRun::CallsOf(const ir::Callee& callee) {
  return std::count_if(calls_.begin(), calls_.end(),
                       [&](const std::unique_ptr<Call>& one) { return one->role().name == callee.name; });
}

void ActiveRun::PlanOverrun(uint64_t plan_call) {
  Call& one = call(plan_call);
  if (one.End().overran) return;
  one.End().overran = true;
  one.End().penalty += one.role().overrun;
  if (one.ended) Log(plan_call);
}

}  // namespace jade::schedule
