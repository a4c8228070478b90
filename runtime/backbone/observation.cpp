#include "runtime/backbone/observation.h"

#include <algorithm>

namespace jade::backbone {
namespace {

// Roles are declarations of programs; whoever makes them up by the thousand gets no memory of ours.
constexpr size_t kMostRoles = 1024;

tokenizer::ChatRole ChatRoleOf(engine::MessageRole role) {
  switch (role) {
    case engine::MessageRole::kSystem:
      return tokenizer::ChatRole::kSystem;
    case engine::MessageRole::kUser:
      return tokenizer::ChatRole::kUser;
    case engine::MessageRole::kAssistant:
    case engine::MessageRole::kPrefill:
      break;
  }
  return tokenizer::ChatRole::kAssistant;
}

// Of `ids`, those at the start that lie within static bytes of `segments`.
int64_t StaticTokens(const tokenizer::Tokenizer& tokenizer, std::span<const tokenizer::ChatSegment> segments,
                     std::span<const int32_t> ids) {
  size_t count = 0;
  for (const tokenizer::ChatSegment& segment : segments) {
    if (segment.control) {
      ++count;
      continue;
    }
    size_t bytes = 0;
    while (count < ids.size() && bytes < segment.static_bytes) {
      bytes += tokenizer.TokenBytes(ids[count]).size();
      if (bytes > segment.static_bytes) break;
      ++count;
    }
    if (segment.static_bytes < segment.text.size()) break;
  }
  return static_cast<int64_t>(std::min(count, ids.size()));
}

}  // namespace

Observation RenderObservation(const tokenizer::ChatFormat& chat, const engine::Messages& messages) {
  std::vector<tokenizer::ChatMessage> whole;
  std::string prefill;
  bool known = false;
  for (const engine::Message& message : messages) {
    known = known || message.static_bytes > 0;
    if (message.role == engine::MessageRole::kPrefill) {
      prefill = message.text;
    } else {
      whole.push_back({ChatRoleOf(message.role), message.text, message.static_bytes});
    }
  }
  const std::vector<tokenizer::ChatSegment> segments = chat.Prompt(whole, prefill);
  Observation observation;
  observation.ids = chat.EncodeSegments(segments);
  if (known) observation.static_tokens = StaticTokens(chat.tokenizer(), segments, observation.ids);
  return observation;
}

int64_t RoleStarts::Note(int policy, const std::string& role, std::span<const int32_t> ids) {
  const std::pair key(policy, role);
  const auto known = starts_.find(key);
  if (known == starts_.end()) {
    if (starts_.size() < kMostRoles) starts_[key].assign(ids.begin(), ids.end());
    return 0;
  }
  std::vector<int32_t>& start = known->second;
  start.erase(std::mismatch(start.begin(), start.end(), ids.begin(), ids.end()).first, start.end());
  return static_cast<int64_t>(start.size());
}

}  // namespace jade::backbone
