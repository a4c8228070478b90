#pragma once
// Internal to runtime/remote: messages as what is sent. Pure; any thread.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/engine/engine.h"
#include "runtime/remote/remote.h"
#include "runtime/tokenizer/chat.h"

namespace jade::remote::internal {

// Text that a server reads for control tokens, with those broken: a zero-width space goes between `<` and `|` of
// everything of the form <|name|>, so that what a message contains stays text.
std::string WithoutControls(const std::string& text);

// The prompt of `completions` as text, in the given style; a prefill ends it. The token that begins a text is the
// server's business.
std::string TextPrompt(const engine::Messages& messages, tokenizer::ChatStyle style);
// What ends a turn in it: "<|im_end|>".
std::string EndOfTurn(tokenizer::ChatStyle style);

// The same as ids.
std::vector<int32_t> IdPrompt(const engine::Messages& messages, const tokenizer::ChatFormat& chat);

// The `messages` of `chat/completions`; a prefill is a last message of the assistant. Servers of open models read
// message text for control tokens, so they get it without.
nlohmann::json ChatMessages(const engine::Messages& messages, ServerKind kind);

bool HasPrefill(const engine::Messages& messages);

}  // namespace jade::remote::internal
