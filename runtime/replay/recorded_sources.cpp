#include "runtime/replay/recorded_sources.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/replay/recorded.h"

namespace jade::replay {

using trace::CallKind;
using trace::CallRecord;
using trace::CallStatus;

namespace {

constexpr int64_t kLongestUs = 1'000'000'000'000;  // records may claim any time

Error FailureOf(const CallRecord& call) {
  return {ErrorCode::kUnavailable, call.error};
}

}  // namespace

void RecordedTime::AtEndOf(const CallRecord& call, std::function<void()> complete) {
  const int64_t end_us = begin_us_ + std::clamp<int64_t>(call.timings.finished_us, 0, kLongestUs);
  schedule_->Add(std::max<int64_t>(end_us - clock()->NowMicros(), 0), std::move(complete));
}

void RecordedEngine::Begin(uint64_t seed, std::span<const CallRecord> calls) {
  calls_.clear();
  for (const CallRecord& call : calls) {
    if (call.kind != CallKind::kTool) calls_.emplace(StreamKeyOf(seed, call.path_hash), &call);
  }
}

Status RecordedEngine::Submit(engine::Request request) {
  const auto found = calls_.find(request.sampling.stream);
  if (found == calls_.end()) {
    time_->SetStranger(fmt::format("there is no record of a call of `{}` that the run makes", request.role));
    return {};
  }
  const CallRecord& call = *found->second;
  if (!HasObservation(request, call)) {
    time_->SetStranger(fmt::format("`{}` is shown something else than is recorded", call.path));
    return {};
  }
  if (call.status == CallStatus::kCancelled) return {};
  time_->AtEndOf(call, [this, id = request.id, &call] {
    if (IsAnswered(call)) return PostReply(id, ReplyOf(call));
    engine::Reply failed;
    failed.finish = engine::Finish::kError;
    failed.error = FailureOf(call);
    PostReply(id, std::move(failed));
  });
  return {};
}

void RecordedTools::Begin(std::span<const CallRecord> calls) {
  executions_.clear();
  for (const CallRecord& call : calls) {
    if (call.kind != CallKind::kTool || call.shared_with) continue;
    executions_[{call.role, ArgumentsOf(call)}].calls.push_back(&call);
  }
}

Status RecordedTools::Submit(engine::ToolRequest request) {
  const auto found = executions_.find({request.tool, request.arguments});
  if (found == executions_.end()) {
    time_->SetStranger(fmt::format("there is no record of what `{}` is asked", request.tool));
    return {};
  }
  Executions& executions = found->second;
  const CallRecord& call = *executions.calls[executions.next];
  // A failed execution is tried again some times before it counts as failed: all of them are this one.
  if (call.status != CallStatus::kFailed && executions.next + 1 < executions.calls.size()) ++executions.next;
  if (call.status == CallStatus::kCancelled) return {};
  time_->AtEndOf(call, [this, id = request.id, &call] {
    if (call.status == CallStatus::kDone) return PostToolReply(id, {call.action, std::nullopt});
    PostToolReply(id, {"", FailureOf(call)});
  });
  return {};
}

}  // namespace jade::replay
