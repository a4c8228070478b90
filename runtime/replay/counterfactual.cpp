#include "runtime/replay/counterfactual.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <string_view>

namespace jade::replay {

namespace {

uint64_t Mix(uint64_t hash, std::string_view text) {
  const uint64_t words[2] = {hash, XXH3_64bits(text.data(), text.size())};
  return XXH3_64bits(words, sizeof(words));
}

}  // namespace

uint64_t AlternativeSeed(const session::RunRequest& request, const trace::PathHash& path, uint32_t alternative) {
  uint64_t hash = request.seed;
  for (const auto& [name, value] : request.inputs) hash = Mix(Mix(hash, name), value);
  hash = Mix(hash, {reinterpret_cast<const char*>(path.data()), path.size()});
  const uint64_t words[2] = {hash, alternative};
  return XXH3_64bits(words, sizeof(words));
}

Counterfactuals::Counterfactuals(session::Session* session, ResamplingEngine* engine, ResamplingTools* tools)
    : session_(session), engine_(engine), tools_(tools) {}

Result<session::RunId> Counterfactuals::StartOne(const std::shared_ptr<const RecordedRun>& run, size_t call,
                                                 uint32_t alternative) {
  session::RunRequest request = run->request;
  request.seed = AlternativeSeed(run->request, run->calls[call].path_hash, alternative);
  request.observer = nullptr;
  request.store = nullptr;
  request.origins = nullptr;
  request.stream = false;
  if (!engine_->Register(run, request.seed, call)) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("alternative {} of `{}` has been started: take it first, or give it another number",
                             alternative, run->calls[call].path));
  }
  tools_->Register(run, request.seed);
  Result<session::RunId> started = session_->Start(request);
  if (started.ok()) {
    started_.emplace(*started, Started{run, call, request.seed});
  } else {
    engine_->Forget(request.seed);
    tools_->Forget(request.seed);
  }
  return started;
}

Result<std::vector<session::RunId>> Counterfactuals::Start(const std::shared_ptr<const RecordedRun>& run, size_t call,
                                                           uint32_t count, uint32_t first) {
  if (call >= run->calls.size() || run->calls[call].kind == trace::CallKind::kTool) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("call {} of a run of {} calls is none of a model: only those are sampled anew", call,
                             run->calls.size()));
  }
  std::vector<session::RunId> runs;
  for (uint32_t i = 0; i < count; ++i) {
    Result<session::RunId> started = StartOne(run, call, first + i);
    if (!started.ok()) {
      for (const session::RunId one : runs) {
        session_->Cancel(one);
        Take(one);
      }
      return started.error();
    }
    runs.push_back(*started);
  }
  return runs;
}

Alternative Counterfactuals::Take(session::RunId run) {
  const auto found = started_.find(run);
  JADE_CHECK(found != started_.end(), "run {} is no counterfactual one", run);
  const Started started = std::move(found->second);
  started_.erase(found);
  Alternative alternative;
  alternative.finished = session_->Take(run);
  alternative.tools = tools_->Forget(started.seed);
  const std::vector<trace::CallRecord>& calls = alternative.finished.calls;
  const auto models =
      std::ranges::count_if(calls, [](const auto& call) { return call.kind != trace::CallKind::kTool; });
  alternative.calls.replayed = engine_->Forget(started.seed);
  alternative.calls.asked = models - alternative.calls.replayed;
  const trace::PathHash& path = started.run->calls[started.call].path_hash;
  const auto sampled = std::ranges::find_if(calls, [&](const auto& call) { return call.path_hash == path; });
  if (sampled != calls.end()) alternative.call = static_cast<size_t>(sampled - calls.begin());
  return alternative;
}

}  // namespace jade::replay
