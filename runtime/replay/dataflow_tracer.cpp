#include "runtime/replay/dataflow_tracer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>
#include <unordered_map>

#include "runtime/replay/recorded_sources.h"

namespace jade::replay {

using interp::Origins;
using trace::CallRecord;
using trace::CallStatus;

struct DataFlowTracer::State {
  RecordedTime time;
  RecordedEngine engine{&time};
  RecordedTools tools{&time};
  session::Session session{&engine, {&tools}, time.clock()};
};

DataFlowTracer::DataFlowTracer() : state_(std::make_unique<State>()) {}
DataFlowTracer::~DataFlowTracer() = default;

namespace {

constexpr uint32_t kUnknown = std::numeric_limits<uint32_t>::max();

// Of the calls as they are made again, in order of issue: which records they are.
std::vector<uint32_t> RecordsOf(std::span<const CallRecord> made, std::span<const CallRecord> recorded) {
  std::unordered_map<std::string_view, uint32_t> by_path;
  for (size_t i = 0; i < recorded.size(); ++i) by_path.emplace(recorded[i].path, static_cast<uint32_t>(i));
  std::vector<uint32_t> records;
  records.reserve(made.size());
  for (const CallRecord& call : made) {
    const auto found = by_path.find(call.path);
    records.push_back(found == by_path.end() ? kUnknown : found->second);
  }
  return records;
}

Uses UsesOf(const Origins& origins, Origins::Id id, std::span<const uint32_t> records) {
  Uses uses;
  for (const Origins::Entry& entry : origins.Set(id)) {
    const uint32_t record = records[entry.call];
    if (record != kUnknown) (entry.control ? uses.control : uses.data).push_back(record);
  }
  std::ranges::sort(uses.data);
  std::ranges::sort(uses.control);
  return uses;
}

bool IsBefore(const Uses& uses, uint32_t call) {
  return (uses.data.empty() || uses.data.back() < call) && (uses.control.empty() || uses.control.back() < call);
}

// What cancelling leaves open: which of several calls were still made.
bool MayDiffer(std::span<const CallRecord> calls) {
  return std::ranges::any_of(calls, [](const CallRecord& call) { return call.status != CallStatus::kDone; });
}

Result<DataFlow> FlowOf(const Origins& origins, std::span<const CallRecord> made,
                        std::span<const CallRecord> recorded) {
  const std::vector<uint32_t> records = RecordsOf(made, recorded);
  DataFlow flow;
  flow.calls.resize(recorded.size());
  std::vector<bool> reached(recorded.size());
  for (size_t i = 0; i < made.size(); ++i) {
    if (records[i] == kUnknown) continue;
    reached[records[i]] = true;
    flow.calls[records[i]] = UsesOf(origins, origins.calls()[i], records);
    if (IsBefore(flow.calls[records[i]], records[i])) continue;
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`{}` is recorded before a call that it uses: the records are not in order of issue",
                             made[i].path));
  }
  flow.value = UsesOf(origins, origins.result(), records);
  for (uint32_t i = 0; i < recorded.size(); ++i) {
    if (!reached[i]) flow.unreached.push_back(i);
  }
  return flow;
}

}  // namespace

Result<DataFlow> DataFlowTracer::Trace(const session::RunRequest& request, std::span<const CallRecord> calls) {
  Origins origins;
  session::RunRequest again = request;
  again.settings = nullptr;
  again.observer = nullptr;
  again.code = nullptr;
  again.stream = false;
  again.store = nullptr;
  again.gold.clear();
  again.reward.clear();
  again.origins = &origins;
  state_->time.Begin();
  state_->engine.Begin(request.seed, calls);
  state_->tools.Begin(calls);
  JADE_ASSIGN_OR_RETURN(const session::RunId run, state_->session.Start(again));
  state_->session.Drain();
  const session::FinishedRun finished = state_->session.Take(run);
  if (!origins.complete()) {
    return Error(ErrorCode::kOutOfMemory, fmt::format("the data flow of a run of {} calls is too large", calls.size()));
  }
  const bool may_differ = MayDiffer(calls);
  if (state_->time.stranger() && !may_differ) {
    return Error(ErrorCode::kInvalidArgument, *state_->time.stranger()).Wrap("the records are of another run");
  }
  JADE_ASSIGN_OR_RETURN(DataFlow flow, FlowOf(origins, finished.calls, calls));
  if (!flow.unreached.empty() && !may_differ) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("the run does not make `{}`", calls[flow.unreached.front()].path))
        .Wrap("the records are of another run");
  }
  return flow;
}

}  // namespace jade::replay
