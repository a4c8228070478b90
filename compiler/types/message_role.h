#pragma once
// Whose message one is, from the clause of an executor to the chat template of a backbone.

#include <cstdint>
#include <string_view>

namespace jade::types {

// kPrefill is last and begins the reply.
enum class MessageRole : uint8_t { kSystem, kUser, kAssistant, kPrefill };

// "system", "user", "assistant", "prefill".
std::string_view MessageRoleName(MessageRole role);

}  // namespace jade::types
