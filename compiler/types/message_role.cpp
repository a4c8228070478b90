#include "compiler/types/message_role.h"

#include "compiler/result/check.h"

namespace jade::types {

std::string_view MessageRoleName(MessageRole role) {
  switch (role) {
    case MessageRole::kSystem:
      return "system";
    case MessageRole::kUser:
      return "user";
    case MessageRole::kAssistant:
      return "assistant";
    case MessageRole::kPrefill:
      return "prefill";
  }
  JADE_UNREACHABLE("message role {}", static_cast<int>(role));
}

}  // namespace jade::types
