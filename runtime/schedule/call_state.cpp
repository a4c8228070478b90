#include "runtime/schedule/call_state.h"

#include <utility>

namespace jade::schedule {

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

void Fill(trace::CallRecord& record, CallState::Ending ending) {
  record.error = std::move(ending.error);
  record.observation_ids = std::move(ending.observation_ids);
  record.action = std::move(ending.action);
  record.action_ids = std::move(ending.action_ids);
  record.log_probs = std::move(ending.log_probs);
  record.constraint_states = std::move(ending.constraint_states);
  record.truncated = ending.truncated;
  record.validity = ending.validity;
  record.penalty = ending.penalty;
  record.value_json = std::move(ending.value_json);
  record.plan = std::move(ending.plan);
  record.diagnostics_json = std::move(ending.diagnostics_json);
  record.timings.first_us = ending.first_us;
  record.timings.finished_us = ending.finished_us;
}

}  // namespace

trace::CallRecord CallState::Record(uint64_t index, const CallState* executed, bool take) {
  trace::CallRecord record;
  record.index = index;
  record.path = path->ToString();
  record.path_hash = Bytes(path->hash());
  record.parent_path = ParentPath();
  record.kind = KindOf(role().kind);
  record.role = role().name;
  record.status = status;
  if (prompt != nullptr) {
    record.messages.reserve(prompt->size());
    for (const engine::Message& message : *prompt) {
      record.messages.push_back({std::string(types::MessageRoleName(message.role)), message.text});
    }
  }
  if (constraint != nullptr) record.constraint = constraint->id();
  record.timings.issued_us = issued_us;
  record.timings.started_us = started_us;
  if (executed != nullptr) record.shared_with = executed->path->ToString();
  if (ending == nullptr) return record;
  if (take) {
    Fill(record, std::move(*ending));
  } else {
    Fill(record, *ending);
  }
  return record;
}

}  // namespace jade::schedule
