#include "bench/engine/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <utility>

#include "compiler/types/message_role.h"
#include "runtime/trace/store.h"

namespace jade::bench {
namespace {

bool CanBeMade(const trace::CallRecord& call) {
  return call.kind != trace::CallKind::kTool && call.status == trace::CallStatus::kDone && !call.messages.empty() &&
         !call.action_ids.empty();
}

// Records come from a file: a call may claim to have ended before it began.
int64_t EndOf(const trace::CallRecord& call) {
  return std::max(call.timings.finished_us, call.timings.issued_us);
}

types::MessageRole RoleNamed(const std::string& name) {
  using types::MessageRole;
  for (const MessageRole role : {MessageRole::kSystem, MessageRole::kAssistant, MessageRole::kPrefill}) {
    if (types::MessageRoleName(role) == name) return role;
  }
  return MessageRole::kUser;
}

std::shared_ptr<const engine::Messages> MessagesOf(const trace::CallRecord& call) {
  auto messages = std::make_shared<engine::Messages>();
  for (const trace::CallMessage& message : call.messages) {
    engine::Message& made = messages->emplace_back();
    made.role = RoleNamed(message.role);
    made.text = message.text;
  }
  return messages;
}

std::vector<PlannedCall> LineOf(std::vector<trace::CallRecord> calls) {
  std::erase_if(calls, [](const trace::CallRecord& call) { return !CanBeMade(call); });
  std::stable_sort(calls.begin(), calls.end(),
                   [](const auto& a, const auto& b) { return a.timings.issued_us < b.timings.issued_us; });
  // Stable: of equal ends the one that was issued first comes first, so that what a call waits for lies before it.
  std::vector<size_t> by_end(calls.size());
  std::iota(by_end.begin(), by_end.end(), size_t{0});
  std::stable_sort(by_end.begin(), by_end.end(), [&](size_t a, size_t b) { return EndOf(calls[a]) < EndOf(calls[b]); });
  std::vector<PlannedCall> line(calls.size());
  for (size_t rank = 0; rank < by_end.size(); ++rank) line[by_end[rank]].rank = rank;
  for (size_t i = 0; i < calls.size(); ++i) {
    const trace::CallRecord& call = calls[i];
    line[i].messages = MessagesOf(call);
    line[i].role = call.role;
    line[i].reply_tokens = static_cast<int64_t>(call.action_ids.size());
    size_t waits_for = i > 0 ? line[i - 1].waits_for : 0;
    while (waits_for < by_end.size() && by_end[waits_for] < i &&
           EndOf(calls[by_end[waits_for]]) <= call.timings.issued_us) {
      ++waits_for;
    }
    line[i].waits_for = waits_for;
  }
  return line;
}

// The most runs that were under way at one time.
size_t MostAtOnce(const std::vector<RecordedRun>& runs) {
  std::vector<std::pair<int64_t, int>> changes;  // ends before beginnings of the same time
  for (const RecordedRun& recorded : runs) {
    const int64_t begin = std::clamp<int64_t>(recorded.run.started_unix_us, 0, std::numeric_limits<int64_t>::max() / 2);
    const int64_t length = std::clamp<int64_t>(recorded.run.elapsed_us, 1, std::numeric_limits<int64_t>::max() / 2);
    changes.emplace_back(begin, 1);
    changes.emplace_back(begin + length, -1);
  }
  std::sort(changes.begin(), changes.end());
  int now = 0, most = 1;
  for (const auto& [time, change] : changes) {
    now += change;
    most = std::max(most, now);
  }
  return static_cast<size_t>(most);
}

}  // namespace

CallPlan PlanReplay(std::vector<RecordedRun> runs) {
  std::stable_sort(runs.begin(), runs.end(),
                   [](const auto& a, const auto& b) { return a.run.started_unix_us < b.run.started_unix_us; });
  CallPlan plan;
  plan.lines_at_once = MostAtOnce(runs);
  for (RecordedRun& recorded : runs) {
    std::vector<PlannedCall> line = LineOf(std::move(recorded.calls));
    if (!line.empty()) plan.lines.push_back(std::move(line));
  }
  return plan;
}

Result<CallPlan> ReadReplay(const std::string& store) {
  JADE_ASSIGN_OR_RETURN(const auto reader, trace::StoreReader::Open(store));
  trace::RunFilter all;
  all.limit = std::numeric_limits<int64_t>::max();
  JADE_ASSIGN_OR_RETURN(const auto listed, reader->Runs(all));
  std::vector<RecordedRun> runs;
  for (const trace::RunRecord& run : listed) {
    JADE_ASSIGN_OR_RETURN(auto calls, reader->Calls(run.id));
    runs.push_back({run, std::move(calls)});
  }
  CallPlan plan = PlanReplay(std::move(runs));
  if (plan.lines.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("`{}` has no call of a model with the tokens of its reply", store));
  }
  return plan;
}

}  // namespace jade::bench
