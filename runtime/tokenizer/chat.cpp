#include "runtime/tokenizer/chat.h"

#include <fmt/format.h>

#include <algorithm>

namespace jade::tokenizer {
namespace {

constexpr std::string_view kImStart = "<|im_start|>";
constexpr std::string_view kImEnd = "<|im_end|>";
constexpr std::string_view kHeaderBegin = "<|start_header_id|>";
constexpr std::string_view kHeaderEnd = "<|end_header_id|>";
constexpr std::string_view kEndOfTurn = "<|eot_id|>";
constexpr std::string_view kBeginOfText = "<|begin_of_text|>";

// Llama 3.1's template puts these lines before every system message; the date is the one it falls back to.
constexpr std::string_view kLlama31Preamble = "Cutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n";

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string_view RoleName(ChatRole role) {
  switch (role) {
    case ChatRole::kSystem:
      return "system";
    case ChatRole::kUser:
      return "user";
    case ChatRole::kAssistant:
      return "assistant";
  }
  return "user";
}

// What a Jinja string literal writes for itself: \n, \t, \', \" and \\.
std::string Unescape(std::string_view literal) {
  std::string text;
  for (size_t i = 0; i < literal.size(); ++i) {
    if (literal[i] != '\\' || i + 1 == literal.size()) {
      text.push_back(literal[i]);
      continue;
    }
    const char escaped = literal[++i];
    text.push_back(escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped);
  }
  return text;
}

// The system text that a ChatML template writes when it is given none: a literal that holds a whole system message, as
// in '<|im_start|>system\nYou are …<|im_end|>\n'. Templates without a default write the message in parts.
std::string DefaultSystem(std::string_view chat_template) {
  for (const std::string_view newline : {std::string_view("\\n"), std::string_view("\n")}) {
    const std::string start = fmt::format("{}system{}", kImStart, newline);
    for (size_t at = chat_template.find(start); at != std::string_view::npos; at = chat_template.find(start, at + 1)) {
      const std::string_view rest = chat_template.substr(at + start.size());
      const size_t end = rest.find(kImEnd);
      if (end == std::string_view::npos || end == 0) continue;
      const std::string_view literal = rest.substr(0, end);
      if (literal.find_first_of("'\"{}+") == std::string_view::npos) return Unescape(literal);
    }
  }
  return {};
}

ChatForm FormOf(std::string_view chat_template) {
  ChatForm form;
  if (Has(chat_template, kHeaderBegin)) {
    form.style = ChatStyle::kLlama3;
    if (Has(chat_template, "Cutting Knowledge Date")) form.system_preamble = kLlama31Preamble;
    return form;
  }
  form.default_system = DefaultSystem(chat_template);
  if (Has(chat_template, "enable_thinking")) form.reply_preamble = "<think>\n\n</think>\n\n";
  return form;
}

// A text of which the first bytes are static.
struct Text {
  std::string_view text;
  size_t static_bytes = 0;
};

Text Trim(Text whole) {
  const size_t begin = whole.text.find_first_not_of(" \t\r\n\f\v");
  if (begin == std::string_view::npos) return {};
  const std::string_view text = whole.text.substr(begin, whole.text.find_last_not_of(" \t\r\n\f\v") - begin + 1);
  return {text, whole.static_bytes - std::min(whole.static_bytes, begin)};
}

void AppendControl(int32_t id, std::vector<ChatSegment>* segments) {
  segments->push_back({id, ""});
}

void AppendText(Text more, std::vector<ChatSegment>* segments) {
  if (more.text.empty()) return;
  if (segments->empty() || segments->back().control) segments->push_back({});
  ChatSegment& segment = segments->back();
  if (segment.static_bytes == segment.text.size())
    segment.static_bytes += std::min(more.static_bytes, more.text.size());
  segment.text += more.text;
}

// What the form itself writes.
void AppendStatic(std::string_view text, std::vector<ChatSegment>* segments) {
  AppendText({text, text.size()}, segments);
}

// Text of ours that may contain added tokens, such as Qwen3's <think>, which is one and not special.
void AppendOwnText(const Tokenizer& tokenizer, std::string_view text, std::vector<ChatSegment>* segments) {
  while (!text.empty()) {
    const AddedToken* first = nullptr;
    size_t first_at = text.size();
    for (const AddedToken& token : tokenizer.spec().added) {
      const size_t at = text.find(token.content);
      if (at < first_at) first_at = at, first = &token;
    }
    AppendStatic(text.substr(0, first_at), segments);
    if (first == nullptr) return;
    AppendControl(first->id, segments);
    text.remove_prefix(first_at + first->content.size());
  }
}

Result<int32_t> ControlToken(const Tokenizer& tokenizer, std::string_view name) {
  if (const auto id = tokenizer.TokenId(name); id && tokenizer.IsSpecial(*id)) return *id;
  return Error(ErrorCode::kInvalidArgument, fmt::format("the tokenizer has no control token `{}`", name));
}

}  // namespace

Result<ChatFormat> ChatFormat::Detect(const Tokenizer& tokenizer) {
  const std::string& chat_template = tokenizer.spec().chat_template;
  if (Has(chat_template, kHeaderBegin) || Has(chat_template, kImStart)) return Create(tokenizer, FormOf(chat_template));
  if (!chat_template.empty()) {
    return Error(ErrorCode::kUnsupported,
                 "the model's chat template is neither ChatML (<|im_start|>) nor Llama 3's (<|start_header_id|>)");
  }
  if (tokenizer.TokenId(kImStart)) return Create(tokenizer, {});
  if (tokenizer.TokenId(kHeaderBegin)) return Create(tokenizer, {.style = ChatStyle::kLlama3});
  return Error(
      ErrorCode::kUnsupported,
      "the model was not taught to chat: its tokenizer has neither <|im_start|> nor <|start_header_id|>; use an "
      "instruct model");
}

Result<ChatFormat> ChatFormat::Create(const Tokenizer& tokenizer, ChatForm form) {
  ChatFormat chat(tokenizer, std::move(form));
  if (chat.form_.style == ChatStyle::kChatMl) {
    JADE_ASSIGN_OR_RETURN(chat.header_begin_, ControlToken(tokenizer, kImStart));
    JADE_ASSIGN_OR_RETURN(chat.end_of_turn_, ControlToken(tokenizer, kImEnd));
    if (tokenizer.adds_bos()) chat.begin_of_text_ = tokenizer.bos();
  } else {
    JADE_ASSIGN_OR_RETURN(chat.header_begin_, ControlToken(tokenizer, kHeaderBegin));
    JADE_ASSIGN_OR_RETURN(chat.header_end_, ControlToken(tokenizer, kHeaderEnd));
    JADE_ASSIGN_OR_RETURN(chat.end_of_turn_, ControlToken(tokenizer, kEndOfTurn));
    chat.begin_of_text_ = tokenizer.bos() ? tokenizer.bos() : tokenizer.TokenId(kBeginOfText);
  }
  chat.stop_ids_ = {chat.end_of_turn_};
  if (const auto eos = tokenizer.eos(); eos && *eos != chat.end_of_turn_) chat.stop_ids_.push_back(*eos);
  return chat;
}

void ChatFormat::AppendHeader(ChatRole role, std::vector<ChatSegment>* segments) const {
  AppendControl(header_begin_, segments);
  AppendStatic(RoleName(role), segments);
  if (form_.style == ChatStyle::kChatMl) {
    AppendStatic("\n", segments);
  } else {
    AppendControl(header_end_, segments);
    AppendStatic("\n\n", segments);
  }
}

void ChatFormat::AppendMessage(const ChatMessage& message, std::vector<ChatSegment>* segments) const {
  AppendHeader(message.role, segments);
  const Text text{message.text, message.static_bytes};
  AppendText(form_.style == ChatStyle::kLlama3 ? Trim(text) : text, segments);
  AppendControl(end_of_turn_, segments);
  if (form_.style == ChatStyle::kChatMl) AppendStatic("\n", segments);
}

std::vector<ChatSegment> ChatFormat::Prompt(std::span<const ChatMessage> messages, const std::string& prefill) const {
  std::vector<ChatSegment> segments;
  if (begin_of_text_) AppendControl(*begin_of_text_, &segments);
  const bool has_system = !messages.empty() && messages.front().role == ChatRole::kSystem;
  if (!form_.system_preamble.empty()) {
    const Text system = has_system ? Trim({messages.front().text, messages.front().static_bytes}) : Text();
    // Llama 3.1 trims the message, not the preamble before it.
    AppendHeader(ChatRole::kSystem, &segments);
    AppendStatic(form_.system_preamble, &segments);
    AppendText(system, &segments);
    AppendControl(end_of_turn_, &segments);
    if (has_system) messages = messages.subspan(1);
  } else if (!has_system && !form_.default_system.empty()) {
    AppendMessage({ChatRole::kSystem, form_.default_system, form_.default_system.size()}, &segments);
  }
  for (const ChatMessage& message : messages) AppendMessage(message, &segments);
  AppendHeader(ChatRole::kAssistant, &segments);
  AppendOwnText(tokenizer_, form_.reply_preamble, &segments);
  AppendText({prefill, 0}, &segments);
  return segments;
}

std::vector<int32_t> ChatFormat::EncodeSegments(std::span<const ChatSegment> segments) const {
  std::vector<int32_t> ids;
  for (const ChatSegment& segment : segments) {
    if (segment.control) {
      ids.push_back(*segment.control);
    } else {
      tokenizer_.EncodeKnownTo(segment.text, segment.static_bytes, &ids);
    }
  }
  return ids;
}

std::vector<int32_t> ChatFormat::RenderChat(std::span<const ChatMessage> messages, const std::string& prefill) const {
  return EncodeSegments(Prompt(messages, prefill));
}

std::vector<int32_t> ChatFormat::RenderReply(const std::string& reply) const {
  std::vector<int32_t> ids = tokenizer_.Encode(reply);
  ids.push_back(end_of_turn_);
  return ids;
}

}  // namespace jade::tokenizer
