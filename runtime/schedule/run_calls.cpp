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

constexpr int64_t kFirstBackoffUs = 50'000;

}  // namespace

void ActiveRun::Issue(IssueArguments arguments) {
  calls_.push_back(std::make_unique<Call>());
  const uint64_t number = calls_.size();
  Call& one = call(number);
  one.path = std::move(arguments.path);
  one.module = arguments.module;
  one.callee = arguments.callee;
  one.arguments = std::move(arguments.arguments);
  one.scope = arguments.task.scope;
  one.future = std::move(arguments.future);
  one.future->call = static_cast<uint32_t>(number);
  one.file_index = arguments.file;
  one.span = arguments.span;
  one.issued_us = Elapsed();
  if (one.role().kind == ir::CalleeKind::kTool) {
    BeginTool(number);
  } else {
    SubmitModel(number);
  }
}

call::CallContext ActiveRun::ContextOf(const Call& one) const {
  return {one.module, one.callee, &one.arguments, &setup_->params, &setup_->builtins, setup_->code};
}

engine::Sampling ActiveRun::SamplingFor(const Call& one) const {
  static const RoleSettings kNone;
  const RoleSettings& settings = setup_->settings != nullptr ? *setup_->settings : kNone;
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
  sampling.stream = interp::StreamKey(seed_, *one.path);
  return sampling;
}

std::string ActiveRun::PolicyFor(const Call& one) const {
  if (setup_->settings == nullptr || one.role().kind == ir::CalleeKind::kTool) return {};
  const RoleSettings& settings = *setup_->settings;
  const auto found = settings.policies.find(one.role().name);
  return found == settings.policies.end() ? settings.policy : found->second;
}

void ActiveRun::SubmitModel(uint64_t number) {
  Call& one = call(number);
  call::Rendered rendered = call::RenderMessages(ContextOf(one));
  if (rendered.trap) return Fail(number, std::move(*rendered.trap));
  one.prompt = std::move(rendered.messages);
  engine::Sampling sampling = SamplingFor(one);
  if (setup_->constraints != nullptr) {
    auto constraint = setup_->constraints->For(ContextOf(one), *one.prompt, sampling.max_tokens);
    if (!constraint.ok()) return Fail(number, FailureOf(one, constraint.error()));
    one.constraint = std::move(constraint).value();
    // A reply that is cut off at a stop text is not of its format.
    if (one.role().format.kind != ir::FormatKind::kText) sampling.stop.clear();
  }
  if (setup_->observer != nullptr) setup_->observer->CallIssued(id_, RecordOf(number));
  engine::Request request;
  request.id = one.request = scheduler_.in_flight_.Add({this, static_cast<uint32_t>(number), 0});
  request.messages = one.prompt;
  request.role = one.role().name;
  request.policy = PolicyFor(one);
  request.sampling = std::move(sampling);
  request.constraint = one.constraint;
  request.want_stream = setup_->stream;
  Status status = scheduler_.engine_->Submit(std::move(request));
  if (status.ok()) return;
  scheduler_.in_flight_.Remove(std::exchange(one.request, 0));
  Fail(number, FailureOf(one, status.error()));
}

void ActiveRun::BeginTool(uint64_t number) {
  Call& one = call(number);
  one.tool = std::make_unique<Call::Sharing>();
  one.prompt = std::make_shared<const engine::Messages>(
      engine::Messages{{engine::MessageRole::kUser, call::ToolArguments(ContextOf(one))}});
  uint64_t& executes = tools()[KeyOf(one)];
  Call* executed = executes == 0 ? nullptr : &call(executes);
  const bool gone =
      executed == nullptr || (executed->status == CallStatus::kCancelled && executed->tool->sharers.empty());
  if (gone) {
    executes = number;
  } else {
    one.tool->shared_with = static_cast<uint32_t>(executes);
    one.started_us = Elapsed();
  }
  if (setup_->observer != nullptr) setup_->observer->CallIssued(id_, RecordOf(number));
  if (gone) return SubmitTool(number);
  if (executed->ended && executed->status == CallStatus::kDone) {
    return ToolReplied(number, engine::ToolReply{executed->End().action, std::nullopt});
  }
  executed->tool->sharers.push_back(number);
}

void ActiveRun::PassOnTool(uint64_t number) {
  Scheduler& scheduler = scheduler_;
  scheduler.timers_.At(id_, NowMicros(), [&scheduler, id = id_, number] {
    auto found = scheduler.active_->find(id);
    if (found == scheduler.active_->end()) return;
    ActiveRun& run = found->second;
    std::vector<uint64_t> sharers = std::exchange(run.call(number).tool->sharers, {});
    std::erase_if(sharers, [&](uint64_t sharer) { return run.call(sharer).ended; });
    if (sharers.empty()) return;
    const uint64_t next = sharers.front();
    Call& executed = run.call(next);
    executed.tool->shared_with = 0;
    run.tools()[KeyOf(executed)] = next;
    executed.tool->sharers.assign(sharers.begin() + 1, sharers.end());
    for (uint64_t sharer : executed.tool->sharers) run.call(sharer).tool->shared_with = static_cast<uint32_t>(next);
    run.SubmitTool(next);
  });
}

void ActiveRun::SubmitTool(uint64_t number) {
  Call& one = call(number);
  ++one.tool->attempts;
  const uint32_t tool_number = scheduler_.ToolFor(one.role().name);
  if (tool_number == 0) {
    return FailTool(number, Error(ErrorCode::kUnavailable, "no provider is bound to this tool"));
  }
  const uint64_t id = one.request = scheduler_.in_flight_.Add({this, static_cast<uint32_t>(number), tool_number});
  engine::ToolRequest request{id, one.role().name, one.prompt->front().text,
                              std::chrono::microseconds(one.role().timeout_us), seed_};
  one.started_us = Elapsed();
  Status status = scheduler_.tools_[tool_number - 1]->Submit(std::move(request));
  if (!status.ok()) {
    scheduler_.in_flight_.Remove(std::exchange(one.request, 0));
    return FailTool(number, status.error());
  }
  if (one.role().timeout_us <= 0) return;
  Scheduler& scheduler = scheduler_;
  scheduler_.timers_.At(id_, NowMicros() + one.role().timeout_us, [&scheduler, id] {
    const Flight* found = scheduler.in_flight_.Find(id);
    if (found == nullptr) return;
    const Flight flight = *found;
    scheduler.Abandon(id);
    flight.run->RetryTool(flight.call, Error(ErrorCode::kDeadline, "no answer in time"));
  });
}

// Tries again after a pause that doubles, or gives up.
void ActiveRun::RetryTool(uint64_t number, const Error& error) {
  Call& one = call(number);
  one.request = 0;
  if (one.tool->attempts > one.role().retries) return FailTool(number, error);
  const int64_t pause = kFirstBackoffUs << std::min<uint32_t>(one.tool->attempts - 1, 6);
  Scheduler& scheduler = scheduler_;
  scheduler_.timers_.At(id_, NowMicros() + pause, [&scheduler, id = id_, number] {
    auto found = scheduler.active_->find(id);
    if (found == scheduler.active_->end() || found->second.call(number).ended) return;
    found->second.SubmitTool(number);
  });
}

// A later call of the same kind tries anew.
void ActiveRun::FailTool(uint64_t number, const Error& error) {
  Call& one = call(number);
  tools().erase(KeyOf(one));
  const std::vector<uint64_t> sharers = std::exchange(one.tool->sharers, {});
  Fail(number, FailureOf(one, error));
  for (uint64_t sharer : sharers) {
    if (call(sharer).ended) continue;
    call(sharer).tool->attempts = one.tool->attempts;
    Fail(sharer, FailureOf(call(sharer), error));
  }
}

Trap ActiveRun::FailureOf(const Call& one, const Error& error) const {
  Trap trap;
  trap.kind = TrapKind::kCallFailed;
  trap.message = fmt::format("the call of `{}` failed: {}", one.role().name, error.ToString());
  const uint32_t attempts = one.tool == nullptr ? 0 : one.tool->attempts;
  if (attempts > 1) trap.message += fmt::format(" (after {} attempts)", attempts);
  trap.file = one.File();
  trap.span = one.span;
  trap.call_path = one.ParentPath();
  return trap;
}

void ActiveRun::Started(uint64_t number) {
  call(number).started_us = Elapsed();
}

void ActiveRun::Delta(uint64_t number, const std::string& text) {
  Call& one = call(number);
  if (one.End().first_us == 0) one.End().first_us = Elapsed();
  if (setup_->observer != nullptr) setup_->observer->TokenDelta(id_, RecordOf(number), text);
}

void ActiveRun::Replied(uint64_t number, engine::Reply reply) {
  Call& one = call(number);
  one.request = 0;
  Call::Ending& record = one.End();
  record.finished_us = Elapsed();
  if (record.first_us == 0) {
    record.first_us = std::max(one.started_us, record.finished_us - reply.timings.decode_us);
  }
  record.prompt_tokens = std::max<int64_t>(reply.prompt_tokens, static_cast<int64_t>(reply.observation_ids.size()));
  record.reply_tokens = std::max<int64_t>(reply.reply_tokens, static_cast<int64_t>(reply.action_ids.size()));
  record.observation_ids = std::move(reply.observation_ids);
  record.action = std::move(reply.text);
  record.action_ids = std::move(reply.action_ids);
  record.log_probs = std::move(reply.log_probs);
  record.constraint_states = std::move(reply.constraint_states);
  record.truncated = reply.finish == engine::Finish::kLength;
  if (reply.finish == engine::Finish::kError) {
    return Fail(number, FailureOf(one, reply.error.value_or(Error(ErrorCode::kUnavailable, "unknown failure"))));
  }
  if (reply.finish == engine::Finish::kCancelled) {
    return Fail(number, FailureOf(one, Error(ErrorCode::kCancelled, "the backbone cancelled it")));
  }
  one.ended = true;  // its own tokens must not cancel it
  CountTokens(one, record.reply_tokens);
  one.ended = false;
  // A prefill is the beginning of what the role writes.
  const bool prefilled = !one.prompt->empty() && one.prompt->back().role == engine::MessageRole::kPrefill;
  const std::string written = prefilled ? one.prompt->back().text + record.action : record.action;
  call::Outcome outcome = call::Interpret(ContextOf(one), written, setup_->plans, number, one.scope->CallLimit());
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
  one.End().finished_us = Elapsed();
  if (reply.error) return RetryTool(number, *reply.error);
  one.End().action = std::move(reply.result);
  Result<Value> value =
      abi::FromJson(one.End().action, one.role().signature.result, one.module->types(), /*lenient=*/true);
  if (!value.ok()) {
    Error error = value.error();
    return FailTool(number, error.Wrap("its result is not of the declared type"));
  }
  const std::vector<uint64_t> sharers = std::exchange(one.tool->sharers, {});
  Succeed(number, std::move(value).value());
  for (uint64_t sharer : sharers) {
    if (!call(sharer).ended) ToolReplied(sharer, engine::ToolReply{one.End().action, std::nullopt});
  }
}

void ActiveRun::Succeed(uint64_t number, Value value) {
  Call& one = call(number);
  one.End().value_json = abi::ToJson(value, one.role().signature.result, one.module->types());
  Conclude(number, CallStatus::kDone, std::move(value));
}

void ActiveRun::Fail(uint64_t number, Trap trap, interp::ScopePtr exhausted) {
  Call& one = call(number);
  one.End().error = trap.message;
  if (trap.call_path.empty()) trap.call_path = one.path->ToString();
  Conclude(number, CallStatus::kFailed, interp::Raised{std::move(trap), std::move(exhausted)});
}

void ActiveRun::Conclude(uint64_t number, CallStatus status, Outcome outcome) {
  Call& one = call(number);
  if (setup_->store == nullptr || !setup_->store->durable()) {
    End(number, status);
    return Deliver(one, std::move(outcome));
  }
  const uint64_t recording = scheduler_.recording_.Add({this, static_cast<uint32_t>(number), 0});
  one.held = std::make_unique<Call::Held>(Call::Held{recording, std::move(outcome)});
  End(number, status);
}

void ActiveRun::Recorded(uint64_t number, const std::optional<Error>& error) {
  Call& one = call(number);
  Outcome outcome = std::move(std::exchange(one.held, nullptr)->outcome);
  if (setup_->observer != nullptr && !error) setup_->observer->CallFinished(id_, RecordOf(number));
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
  one.status = status;
  one.End().finished_us = Elapsed();
  one.arguments = {};
  one.scope = nullptr;
  if (status == CallStatus::kCancelled && one.tool != nullptr && !one.tool->sharers.empty()) PassOnTool(number);
  Log(number);
  // What is shown as finished is as durable as what the program sees.
  if (setup_->observer != nullptr && one.held == nullptr) setup_->observer->CallFinished(id_, RecordOf(number));
}

// Sends the record on its way to the disk. A store that has failed says so when it is flushed.
void ActiveRun::Log(uint64_t number) {
  if (setup_->store == nullptr) return;
  const std::string run = setup_->owner->StoreId(id_);
  if (call(number).held == nullptr) {
    (void)setup_->store->AddCall(run, RecordOf(number));
    return;
  }
  const uint64_t id = call(number).held->recording;
  auto tell = [queue = scheduler_.queue_, id](const Status& status) {
    engine::Event event;
    event.kind = engine::Event::Kind::kRecorded;
    event.id = id;
    if (!status.ok()) event.error = status.error();
    queue->Post(std::move(event));
  };
  if (Status added = setup_->store->AddCall(run, RecordOf(number), tell); !added.ok()) tell(added);
}

void ActiveRun::CancelCall(uint64_t number) {
  Call& one = call(number);
  if (one.held != nullptr) {
    scheduler_.recording_.Remove(one.held->recording);
    one.held.reset();
    one.future.reset();
    if (setup_->observer != nullptr) setup_->observer->CallFinished(id_, RecordOf(number));
  }
  if (one.ended) return;
  if (one.request != 0) scheduler_.Abandon(std::exchange(one.request, 0));
  one.End().error = "cancelled";
  End(number, CallStatus::kCancelled);
  one.future.reset();
}

}  // namespace jade::schedule
