#include "runtime/replay/resampling.h"

#include <algorithm>

namespace jade::replay {

using trace::CallKind;
using trace::CallRecord;

bool ResamplingEngine::Register(std::shared_ptr<const RecordedRun> run, uint64_t seed, size_t sampled) {
  const auto [registered, added] = registered_.try_emplace(seed);
  if (!added) return false;
  for (size_t i = 0; i < run->calls.size(); ++i) {
    const CallRecord& call = run->calls[i];
    if (i == sampled || call.kind == CallKind::kTool || !IsAnswered(call)) continue;
    known_[StreamKeyOf(seed, call.path_hash)] = {seed, static_cast<uint32_t>(i)};
  }
  registered->second.run = std::move(run);
  return true;
}

int64_t ResamplingEngine::Forget(uint64_t seed) {
  const auto registered = registered_.find(seed);
  if (registered == registered_.end()) return 0;
  for (const CallRecord& call : registered->second.run->calls) known_.erase(StreamKeyOf(seed, call.path_hash));
  const int64_t replayed = registered->second.replayed;
  registered_.erase(registered);
  return replayed;
}

void ResamplingEngine::Connect(std::shared_ptr<engine::EventQueue> queue) {
  asked_->Connect(queue);
  Engine::Connect(std::move(queue));
}

Status ResamplingEngine::Submit(engine::Request request) {
  const auto known = known_.find(request.sampling.stream);
  if (known == known_.end()) return asked_->Submit(std::move(request));
  Registered& registered = registered_.at(known->second.seed);
  const CallRecord& call = registered.run->calls[known->second.call];
  const std::string constraint = request.constraint == nullptr ? "" : request.constraint->id();
  if (!HasObservation(request, call) || request.policy != call.policy || constraint != call.constraint) {
    return asked_->Submit(std::move(request));
  }
  ++registered.replayed;
  PostReply(request.id, ReplyOf(call));
  return {};
}

bool ResamplingTools::Register(std::shared_ptr<const RecordedRun> run, uint64_t seed) {
  const auto [registered, added] = registered_.try_emplace(seed);
  if (!added) return false;
  for (const CallRecord& call : run->calls) {
    if (call.kind != CallKind::kTool || call.status != trace::CallStatus::kDone) continue;
    registered->second.results.try_emplace({call.role, ArgumentsOf(call)}, &call.action);
  }
  registered->second.run = std::move(run);
  return true;
}

Answered ResamplingTools::Forget(uint64_t seed) {
  const auto registered = registered_.find(seed);
  if (registered == registered_.end()) return {};
  const Answered answered = registered->second.answered;
  registered_.erase(registered);
  return answered;
}

void ResamplingTools::Ask(std::vector<engine::ToolProvider*> asked) {
  asked_ = std::move(asked);
  if (queue_ != nullptr) Connect(queue_);
}

void ResamplingTools::Connect(std::shared_ptr<engine::EventQueue> queue) {
  queue_ = queue;
  for (ToolProvider* tool : asked_) tool->Connect(queue);
  ToolProvider::Connect(std::move(queue));
}

bool ResamplingTools::Serves(std::string_view tool) const {
  return std::ranges::any_of(asked_, [&](const ToolProvider* one) { return one->Serves(tool); });
}

Status ResamplingTools::Submit(engine::ToolRequest request) {
  const auto registered = registered_.find(request.seed);
  if (registered != registered_.end()) {
    const auto result = registered->second.results.find({request.tool, request.arguments});
    if (result != registered->second.results.end()) {
      ++registered->second.answered.replayed;
      PostToolReply(request.id, {*result->second, std::nullopt});
      return {};
    }
    ++registered->second.answered.asked;
  }
  const auto serves = [&](const ToolProvider* tool) { return tool->Serves(request.tool); };
  const auto tool = std::ranges::find_if(asked_, serves);
  if (tool == asked_.end()) return Error(ErrorCode::kUnavailable, "no provider is bound to this tool");
  return (*tool)->Submit(std::move(request));
}

void ResamplingTools::Cancel(uint64_t id) {
  for (ToolProvider* tool : asked_) tool->Cancel(id);
}

bool ResamplingTools::Step() {
  for (size_t i = 0; i < asked_.size(); ++i) {
    if (asked_[next_++ % asked_.size()]->Step()) return true;
  }
  return false;
}

std::string ResamplingTools::Describe() const {
  std::string text;
  for (const ToolProvider* tool : asked_) text += (text.empty() ? "" : ", ") + tool->Describe();
  return text;
}

}  // namespace jade::replay
