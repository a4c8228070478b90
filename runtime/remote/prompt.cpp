#include "runtime/remote/prompt.h"

#include <cctype>

namespace jade::remote::internal {
namespace {

using engine::Message;
using engine::MessageRole;
using tokenizer::ChatStyle;

constexpr std::string_view kZeroWidthSpace = "\xE2\x80\x8B";
constexpr size_t kLongestControl = 64;

const char* RoleName(MessageRole role) {
  switch (role) {
    case MessageRole::kSystem:
      return "system";
    case MessageRole::kUser:
      return "user";
    case MessageRole::kAssistant:
    case MessageRole::kPrefill:
      return "assistant";
  }
  return "user";
}

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n\f\v");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n\f\v") - begin + 1);
}

// Whether a control token's name and its `|>` follow.
bool BeginsControl(std::string_view rest) {
  for (size_t i = 0; i < rest.size() && i <= kLongestControl; ++i) {
    if (rest[i] == '|') return i > 0 && i + 1 < rest.size() && rest[i + 1] == '>';
    if (std::isspace(static_cast<unsigned char>(rest[i])) != 0) return false;
  }
  return false;
}

std::string Head(const char* role, ChatStyle style) {
  return style == ChatStyle::kChatMl ? std::string("<|im_start|>") + role + "\n"
                                     : std::string("<|start_header_id|>") + role + "<|end_header_id|>\n\n";
}

}  // namespace

std::string WithoutControls(const std::string& text) {
  std::string plain;
  size_t from = 0;
  for (size_t at = 0; (at = text.find("<|", at)) != std::string::npos; ++at) {
    if (!BeginsControl(std::string_view(text).substr(at + 2))) continue;
    plain.append(text, from, at + 1 - from);
    plain += kZeroWidthSpace;
    from = at + 1;
  }
  return plain.append(text, from, std::string::npos);
}

std::string EndOfTurn(ChatStyle style) {
  return style == ChatStyle::kChatMl ? "<|im_end|>" : "<|eot_id|>";
}

std::string TextPrompt(const engine::Messages& messages, ChatStyle style) {
  std::string prompt, prefill;
  for (const Message& message : messages) {
    std::string text = WithoutControls(message.text);
    if (message.role == MessageRole::kPrefill) {
      prefill = std::move(text);
      continue;
    }
    if (style == ChatStyle::kLlama3) text = Trimmed(text);
    prompt += Head(RoleName(message.role), style) + text + EndOfTurn(style);
    if (style == ChatStyle::kChatMl) prompt += '\n';
  }
  return prompt + Head("assistant", style) + prefill;
}

std::vector<int32_t> IdPrompt(const engine::Messages& messages, const tokenizer::ChatFormat& chat) {
  std::vector<tokenizer::ChatMessage> all;
  std::string prefill;
  for (const Message& message : messages) {
    switch (message.role) {
      case MessageRole::kSystem:
        all.push_back({tokenizer::ChatRole::kSystem, message.text, message.static_bytes});
        break;
      case MessageRole::kUser:
        all.push_back({tokenizer::ChatRole::kUser, message.text, message.static_bytes});
        break;
      case MessageRole::kAssistant:
        all.push_back({tokenizer::ChatRole::kAssistant, message.text, message.static_bytes});
        break;
      case MessageRole::kPrefill:
        prefill = message.text;
        break;
    }
  }
  return chat.RenderChat(all, prefill);
}

nlohmann::json ChatMessages(const engine::Messages& messages, ServerKind kind) {
  nlohmann::json list = nlohmann::json::array();
  for (const Message& message : messages) {
    list.push_back({{"role", RoleName(message.role)},
                    {"content", kind == ServerKind::kOpenAi ? message.text : WithoutControls(message.text)}});
  }
  return list;
}

bool HasPrefill(const engine::Messages& messages) {
  return !messages.empty() && messages.back().role == MessageRole::kPrefill;
}

}  // namespace jade::remote::internal
