#pragma once
// Messages to the token ids a model was taught: ChatML (SmolLM2, Qwen, our own models) and the Llama 3 form. Message
// text is encoded as plain text, so nothing inside it becomes a control token. Values; any thread.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/tokenizer/tokenizer.h"

namespace jade::tokenizer {

enum class ChatStyle { kChatMl, kLlama3 };

// What differs between models of one style.
struct ChatForm {
  ChatStyle style = ChatStyle::kChatMl;
  std::string default_system;   // put first when the messages have no system message (SmolLM2, Qwen2.5); "" is none
  std::string system_preamble;  // put before the system text, which is then always present (Llama 3.1 and later)
  std::string reply_preamble;   // put after the assistant header of the reply (Qwen3 with thinking off)
};

// The chat template that our own models are saved with: plain ChatML.
inline constexpr std::string_view kChatMlTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + "
    "'\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

enum class ChatRole { kSystem, kUser, kAssistant };
struct ChatMessage {
  ChatRole role = ChatRole::kUser;
  std::string text;
  size_t static_bytes = 0;  // at the start of the text: those that other prompts have there too
};

// A prompt before tokenisation: control tokens as ids, everything else as plain text. Adjacent texts are already
// joined.
struct ChatSegment {
  std::optional<int32_t> control;
  std::string text;         // empty when `control` is set
  size_t static_bytes = 0;  // at its start, as of messages; what the form itself writes is static
};

// A tokenizer together with its chat form.
class ChatFormat {
 public:
  // Chooses by the chat template when there is one, else by which control tokens the vocabulary has. kUnsupported when
  // it has neither form's.
  static Result<ChatFormat> Detect(const Tokenizer& tokenizer);
  // kInvalidArgument when the vocabulary lacks one of the style's control tokens.
  static Result<ChatFormat> Create(const Tokenizer& tokenizer, ChatForm form);

  // The prompt for a reply: all messages, the assistant header, and `prefill`, the beginning of the reply (may be
  // empty).
  std::vector<ChatSegment> Prompt(std::span<const ChatMessage> messages, const std::string& prefill = "") const;
  // Ids of Prompt(…): what the engine is given.
  std::vector<int32_t> RenderChat(std::span<const ChatMessage> messages, const std::string& prefill = "") const;
  std::vector<int32_t> EncodeSegments(std::span<const ChatSegment> segments) const;

  // For supervised training: the ids of the reply as the model must write them, ended by `end_of_turn()`.
  std::vector<int32_t> RenderReply(const std::string& reply) const;

  int32_t end_of_turn() const { return end_of_turn_; }
  // Every id that ends a reply: the end of turn, and the tokenizer's eos if it is another.
  const std::vector<int32_t>& stop_ids() const { return stop_ids_; }
  const ChatForm& form() const { return form_; }
  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  ChatFormat(Tokenizer tokenizer, ChatForm form) : tokenizer_(std::move(tokenizer)), form_(std::move(form)) {}
  void AppendMessage(const ChatMessage& message, std::vector<ChatSegment>* segments) const;
  void AppendHeader(ChatRole role, std::vector<ChatSegment>* segments) const;

  Tokenizer tokenizer_;
  ChatForm form_;
  int32_t header_begin_ = 0;              // <|im_start|> or <|start_header_id|>
  int32_t header_end_ = 0;                // <|end_header_id|> (Llama 3 only)
  int32_t end_of_turn_ = 0;               // <|im_end|> or <|eot_id|>
  std::optional<int32_t> begin_of_text_;  // put before everything, when the model expects it
  std::vector<int32_t> stop_ids_;
};

}  // namespace jade::tokenizer
