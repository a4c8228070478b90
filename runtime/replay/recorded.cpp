#include "runtime/replay/recorded.h"

#include "compiler/types/message_role.h"
#include "runtime/interp/call_path.h"

namespace jade::replay {

bool IsAnswered(const trace::CallRecord& call) {
  if (call.status == trace::CallStatus::kDone) return true;
  // A reply that the program could do nothing with is one all the same.
  return call.status == trace::CallStatus::kFailed &&
         (call.validity != trace::Validity::kNotChecked || !call.action.empty());
}

engine::Reply ReplyOf(const trace::CallRecord& call) {
  engine::Reply reply;
  reply.text = call.action;
  reply.observation_ids = call.observation_ids;
  reply.action_ids = call.action_ids;
  reply.log_probs = call.log_probs;
  reply.constraint_states = call.constraint_states;
  reply.finish = call.truncated ? engine::Finish::kLength : engine::Finish::kStop;
  return reply;
}

bool HasObservation(const engine::Request& request, const trace::CallRecord& call) {
  const engine::Messages& messages = *request.messages;
  if (messages.size() != call.messages.size()) return false;
  for (size_t i = 0; i < messages.size(); ++i) {
    if (types::MessageRoleName(messages[i].role) != call.messages[i].role) return false;
    if (messages[i].text != call.messages[i].text) return false;
  }
  return true;
}

const std::string& ArgumentsOf(const trace::CallRecord& call) {
  static const std::string kNone;
  return call.messages.empty() ? kNone : call.messages.front().text;
}

engine::StreamKey StreamKeyOf(uint64_t seed, const trace::PathHash& path) {
  interp::Hash128 hash{};  // low, high; the record has them big-endian, high first
  for (size_t i = 0; i < 8; ++i) {
    hash[1] = hash[1] << 8U | path[i];
    hash[0] = hash[0] << 8U | path[8 + i];
  }
  return interp::StreamKey(seed, hash);
}

}  // namespace jade::replay
