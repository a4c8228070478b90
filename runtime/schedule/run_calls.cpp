#include <fmt/format.h>

#include <algorithm>

#include "compiler/abi/value_json.h"
#include "runtime/schedule/active_run.h"

namespace jade::schedule {

using abi::Trap;
using abi::TrapKind;
using abi::Value;
using trace::CallStatus;

namespace {

trace::PathHash Bytes(const interp::Hash128& hash) {
  trace::PathHash bytes{};
  for (size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<uint8_t>(hash[1] >> (56 - 8 * i));
    bytes[8 + i] = static_cast<uint8_t>(hash[0] >> (56 - 8 * i));
  }
  return bytes;
}

trace::CallKind KindOf(ir::CalleeKind kind) {
  switch (kind) {
    case ir::CalleeKind::kPlanner:
      return trace::CallKind::kPlanner;
    case ir::CalleeKind::kTool:
      return trace::CallKind::kTool;
    default:
      return trace::CallKind::kExecutor;
  }
}

constexpr int64_t kFirstBackoffUs = 50'000;

}  // namespace

void ActiveRun::Issue(IssueArguments arguments) {
  Call& one = calls_.emplace_back();
  const uint64_t number = calls_.size();
  paths_.push_back(arguments.path);
  one.module = arguments.module;
  one.callee = arguments.callee;
  one.arguments = std::move(arguments.arguments);
  one.scope = arguments.task.scope;
  one.future = arguments.future;
  one.future->call = number;
  one.file = std::move(arguments.file);
  one.span = arguments.span;
  trace::CallRecord& record = one.record;
  record.index = number - 1;
  record.path = arguments.path->ToString();
  record.path_hash = Bytes(arguments.path->hash());
  record.parent_path = arguments.parent->ToString();
  record.kind = KindOf(one.role().kind);
  record.role = one.role().name;
  record.timings.issued_us = Elapsed();
  if (one.role().kind == ir::CalleeKind::kTool) {
    BeginTool(number);
  } else {
    SubmitModel(number);
  }
}

call::CallContext ActiveRun::ContextOf(const Call& one) const {
  return {one.module, one.callee, &one.arguments, &context_.params, &context_.builtins, context_.code};
}

engine::Sampling ActiveRun::SamplingFor(const Call& one, const interp::CallPath& path) const {
  static const RoleSettings kNone;
  const RoleSettings& settings = spec_.settings != nullptr ? *spec_.settings : kNone;
  engine::Sampling sampling;
  auto apply = [&sampling](const ir::SamplingSpec& spec) {
    if (spec.temperature) sampling.temperature = *spec.temperature;
    if (spec.top_p) sampling.top_p = *spec.top_p;
    if (spec.top_k) sampling.top_k = static_cast<int>(std::clamp<int64_t>(*spec.top_k, 0, 1 << 30));
    if (spec.max_tokens) sampling.max_tokens = static_cast<int>(std::clamp<int64_t>(*spec.max_tokens, 0, 1 << 30));
    if (!spec.stop.empty()) sampling.stop = spec.stop;
  };
  apply(settings.defaults);
  apply(one.role().sampling);
  if (auto role = settings.roles.find(one.role().name); role != settings.roles.end()) apply(role->second);
  sampling.stream = interp::StreamKey(spec_.seed, path);
  return sampling;
}

void ActiveRun::SubmitModel(uint64_t number) {
  Call& one = call(number);
  call::Rendered rendered = call::RenderMessages(ContextOf(one));
  if (rendered.trap) return Fail(number, std::move(*rendered.trap));
  for (const engine::Message& message : *rendered.messages) {
    one.record.messages.push_back({std::string(types::MessageRoleName(message.role)), message.text});
  }
  if (spec_.observer != nullptr) spec_.observer->CallIssued(id_, one.record);
  engine::Request request;
  request.id = one.request = scheduler_.Register(this, number, nullptr);
  request.messages = std::move(rendered.messages);
  request.role = one.role().name;
  if (spec_.settings != nullptr) {
    auto policy = spec_.settings->policies.find(request.role);
    if (policy != spec_.settings->policies.end()) request.policy = policy->second;
  }
  request.sampling = SamplingFor(one, *paths_[number - 1]);
  request.want_stream = spec_.stream;
  Status status = scheduler_.engine_->Submit(std::move(request));
  if (status.ok()) return;
  scheduler_.in_flight_.erase(std::exchange(one.request, 0));
  Fail(number, FailureOf(one, status.error()));
}

void ActiveRun::BeginTool(uint64_t number) {
  Call& one = call(number);
  ++retrievals_;
  one.record.messages.push_back({"user", call::ToolArguments(ContextOf(one))});
  uint64_t& executes = tools_[KeyOf(one)];
  Call* executed = executes == 0 ? nullptr : &call(executes);
  const bool gone =
      executed == nullptr || (executed->record.status == CallStatus::kCancelled && executed->sharers.empty());
  if (gone) {
    executes = number;
  } else {
    one.record.shared_with = executed->record.path;
    one.record.timings.started_us = Elapsed();
  }
  if (spec_.observer != nullptr) spec_.observer->CallIssued(id_, one.record);
  if (gone) return SubmitTool(number);
  if (executed->ended && executed->record.status == CallStatus::kDone) {
    return ToolReplied(number, engine::ToolReply{executed->record.action, std::nullopt});
  }
  executed->sharers.push_back(number);
}

void ActiveRun::PassOnTool(uint64_t number) {
  Scheduler& scheduler = scheduler_;
  scheduler.At(NowMicros(), [&scheduler, id = id_, number] {
    auto found = scheduler.active_.find(id);
    if (found == scheduler.active_.end()) return;
    ActiveRun& run = *found->second;
    std::vector<uint64_t> sharers = std::exchange(run.call(number).sharers, {});
    std::erase_if(sharers, [&](uint64_t sharer) { return run.call(sharer).ended; });
    if (sharers.empty()) return;
    const uint64_t next = sharers.front();
    Call& executed = run.call(next);
    executed.record.shared_with.reset();
    run.tools_[KeyOf(executed)] = next;
    executed.sharers.assign(sharers.begin() + 1, sharers.end());
    for (uint64_t sharer : executed.sharers) run.call(sharer).record.shared_with = executed.record.path;
    run.SubmitTool(next);
  });
}

void ActiveRun::SubmitTool(uint64_t number) {
  Call& one = call(number);
  ++one.attempts;
  engine::ToolProvider* tool = scheduler_.ToolFor(one.role().name);
  if (tool == nullptr) {
    return FailTool(number, Error(ErrorCode::kUnavailable, "no provider is bound to this tool"));
  }
  const uint64_t id = one.request = scheduler_.Register(this, number, tool);
  engine::ToolRequest request{id, one.role().name, one.record.messages.front().text,
                              std::chrono::microseconds(one.role().timeout_us)};
  one.record.timings.started_us = Elapsed();
  Status status = tool->Submit(std::move(request));
  if (!status.ok()) {
    scheduler_.in_flight_.erase(std::exchange(one.request, 0));
    return FailTool(number, status.error());
  }
  if (one.role().timeout_us <= 0) return;
  Scheduler& scheduler = scheduler_;
  scheduler_.At(NowMicros() + one.role().timeout_us, [&scheduler, id] {
    auto found = scheduler.in_flight_.find(id);
    if (found == scheduler.in_flight_.end()) return;
    const Scheduler::InFlight flight = found->second;
    scheduler.Abandon(id);
    flight.run->RetryTool(flight.call, Error(ErrorCode::kDeadline, "no answer in time"));
  });
}

// Tries again after a pause that doubles, or gives up.
void ActiveRun::RetryTool(uint64_t number, const Error& error) {
  Call& one = call(number);
  one.request = 0;
  if (one.attempts > one.role().retries) return FailTool(number, error);
  const int64_t pause = kFirstBackoffUs << std::min<uint32_t>(one.attempts - 1, 6);
  Scheduler& scheduler = scheduler_;
  scheduler_.At(NowMicros() + pause, [&scheduler, id = id_, number] {
    auto found = scheduler.active_.find(id);
    if (found == scheduler.active_.end() || found->second->call(number).ended) return;
    found->second->SubmitTool(number);
  });
}

// A later call of the same kind tries anew.
void ActiveRun::FailTool(uint64_t number, const Error& error) {
  Call& one = call(number);
  tools_.erase(KeyOf(one));
  const std::vector<uint64_t> sharers = std::exchange(one.sharers, {});
  Fail(number, FailureOf(one, error));
  for (uint64_t sharer : sharers) {
    if (call(sharer).ended) continue;
    call(sharer).attempts = one.attempts;
    Fail(sharer, FailureOf(call(sharer), error));
  }
}

Trap ActiveRun::FailureOf(const Call& one, const Error& error) const {
  Trap trap;
  trap.kind = TrapKind::kCallFailed;
  trap.message = fmt::format("the call of `{}` failed: {}", one.role().name, error.ToString());
  if (one.attempts > 1) trap.message += fmt::format(" (after {} attempts)", one.attempts);
  trap.file = one.file;
  trap.span = one.span;
  trap.call_path = one.record.parent_path;
  return trap;
}

void ActiveRun::Started(uint64_t number) {
  call(number).record.timings.started_us = Elapsed();
}

void ActiveRun::Delta(uint64_t number, const std::string& text) {
  Call& one = call(number);
  if (one.record.timings.first_us == 0) one.record.timings.first_us = Elapsed();
  if (spec_.observer != nullptr) spec_.observer->TokenDelta(id_, one.record, text);
}

void ActiveRun::Replied(uint64_t number, engine::Reply reply) {
  Call& one = call(number);
  one.request = 0;
  trace::CallRecord& record = one.record;
  record.timings.finished_us = Elapsed();
  if (record.timings.first_us == 0) {
    record.timings.first_us = std::max(record.timings.started_us, record.timings.finished_us - reply.timings.decode_us);
  }
  prompt_tokens_ += static_cast<int64_t>(reply.observation_ids.size());
  record.observation_ids = std::move(reply.observation_ids);
  record.action = std::move(reply.text);
  record.action_ids = std::move(reply.action_ids);
  record.log_probs = std::move(reply.log_probs);
  record.truncated = reply.finish == engine::Finish::kLength;
  if (reply.finish == engine::Finish::kError) {
    return Fail(number, FailureOf(one, reply.error.value_or(Error(ErrorCode::kUnavailable, "unknown failure"))));
  }
  if (reply.finish == engine::Finish::kCancelled) {
    return Fail(number, FailureOf(one, Error(ErrorCode::kCancelled, "the backbone cancelled it")));
  }
  one.ended = true;  // its own tokens must not cancel it
  CountTokens(one, static_cast<int64_t>(record.action_ids.size()));
  one.ended = false;
  // A prefill is the beginning of what the role writes.
  const bool prefilled = !record.messages.empty() && record.messages.back().role == "prefill";
  const std::string written = prefilled ? record.messages.back().text + record.action : record.action;
  call::Outcome outcome = call::Interpret(ContextOf(one), written, spec_.plans, number, one.scope->CallLimit());
  record.validity = outcome.validity;
  record.penalty += outcome.penalty;
  record.plan = std::move(outcome.plan);
  record.diagnostics_json = std::move(outcome.diagnostics_json);
  record.error = std::move(outcome.reason);
  if (outcome.trap) return Fail(number, std::move(*outcome.trap));
  Succeed(number, std::move(outcome.value));
}

void ActiveRun::ToolReplied(uint64_t number, engine::ToolReply reply) {
  Call& one = call(number);
  one.request = 0;
  one.record.timings.finished_us = Elapsed();
  if (reply.error) return RetryTool(number, *reply.error);
  one.record.action = std::move(reply.result);
  Result<Value> value =
      abi::FromJson(one.record.action, one.role().signature.result, one.module->types(), /*lenient=*/true);
  if (!value.ok()) {
    Error error = value.error();
    return FailTool(number, error.Wrap("its result is not of the declared type"));
  }
  const std::vector<uint64_t> sharers = std::exchange(one.sharers, {});
  Succeed(number, std::move(value).value());
  for (uint64_t sharer : sharers) {
    if (!call(sharer).ended) ToolReplied(sharer, engine::ToolReply{one.record.action, std::nullopt});
  }
}

void ActiveRun::Succeed(uint64_t number, Value value) {
  Call& one = call(number);
  one.record.value_json = abi::ToJson(value, one.role().signature.result, one.module->types());
  Conclude(number, CallStatus::kDone, std::move(value));
}

void ActiveRun::Fail(uint64_t number, Trap trap, interp::ScopePtr exhausted) {
  Call& one = call(number);
  one.record.error = trap.message;
  if (trap.call_path.empty()) trap.call_path = one.record.path;
  Conclude(number, CallStatus::kFailed, interp::Raised{std::move(trap), std::move(exhausted)});
}

void ActiveRun::Conclude(uint64_t number, CallStatus status, Outcome outcome) {
  Call& one = call(number);
  if (spec_.store == nullptr || !spec_.store->durable()) {
    End(number, status);
    return Deliver(one, std::move(outcome));
  }
  one.held = std::move(outcome);
  one.recording = scheduler_.AwaitRecord(this, number);
  End(number, status);
}

void ActiveRun::Recorded(uint64_t number, const std::optional<Error>& error) {
  Call& one = call(number);
  one.recording = 0;
  if (spec_.observer != nullptr && !error) spec_.observer->CallFinished(id_, one.record);
  Outcome outcome = std::move(*std::exchange(one.held, std::nullopt));
  if (error) {
    Trap trap = FailureOf(one, *error);
    trap.message = fmt::format("the call of `{}` could not be recorded: {}", one.role().name, error->ToString());
    outcome = interp::Raised{std::move(trap), nullptr};
  }
  Deliver(one, std::move(outcome));
}

void ActiveRun::Deliver(Call& one, Outcome outcome) {
  const interp::FuturePtr future = std::move(one.future);
  if (auto* value = std::get_if<Value>(&outcome)) {
    interp::Settle(context_, *future, std::move(*value));
  } else {
    interp::SettleTrap(context_, *future, std::get<interp::Raised>(std::move(outcome)));
  }
}

void ActiveRun::End(uint64_t number, CallStatus status) {
  Call& one = call(number);
  one.ended = true;
  one.record.status = status;
  one.record.timings.finished_us = Elapsed();
  one.arguments.clear();
  if (status == CallStatus::kCancelled && !one.sharers.empty()) PassOnTool(number);
  Log(number);
  // What is shown as finished is as durable as what the program sees.
  if (spec_.observer != nullptr && one.recording == 0) spec_.observer->CallFinished(id_, one.record);
}

// Sends the record on its way to the disk. A store that has failed says so when it is flushed.
void ActiveRun::Log(uint64_t number) {
  if (spec_.store == nullptr) return;
  const uint64_t id = call(number).recording;
  if (id == 0) {
    (void)spec_.store->AddCall(spec_.store_id, call(number).record);
    return;
  }
  auto tell = [queue = scheduler_.queue_, id](const Status& status) {
    engine::Event event;
    event.kind = engine::Event::Kind::kRecorded;
    event.id = id;
    if (!status.ok()) event.error = status.error();
    queue->Post(std::move(event));
  };
  if (Status added = spec_.store->AddCall(spec_.store_id, call(number).record, tell); !added.ok()) tell(added);
}

void ActiveRun::CancelCall(uint64_t number) {
  Call& one = call(number);
  if (one.recording != 0) {
    scheduler_.recording_.erase(std::exchange(one.recording, 0));
    one.held.reset();
    one.future.reset();
    if (spec_.observer != nullptr) spec_.observer->CallFinished(id_, one.record);
  }
  if (one.ended) return;
  if (one.request != 0) scheduler_.Abandon(std::exchange(one.request, 0));
  one.record.error = "cancelled";
  End(number, CallStatus::kCancelled);
  one.future.reset();
}

}  // namespace jade::schedule
