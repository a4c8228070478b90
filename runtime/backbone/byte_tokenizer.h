#pragma once
// A tokenizer for tests: every byte is a token, and ChatML's control tokens come after.

#include <gtest/gtest.h>

#include <string>

#include "runtime/tokenizer/chat.h"

namespace jade::backbone {

inline constexpr int32_t kImStart = 256, kImEnd = 257, kByteVocabulary = 258;

inline tokenizer::Tokenizer ByteTokenizer() {
  tokenizer::TokenizerSpec spec;
  int next = 0;
  for (int byte = 0; byte < 256; ++byte) {  // GPT-2's printable alphabet
    const bool printable = (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
    const int code = printable ? byte : 256 + next++;
    std::string utf8;
    if (code < 0x80) {
      utf8 = static_cast<char>(code);
    } else {
      utf8 = {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
    }
    spec.tokens.push_back(utf8);
  }
  for (const char* control : {"<|im_start|>", "<|im_end|>"}) {
    spec.added.push_back({static_cast<int32_t>(spec.tokens.size()), control});
    spec.tokens.push_back(control);
  }
  spec.eos = 257;
  auto tokenizer = tokenizer::Tokenizer::Create(spec);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.error().ToString();
  return *tokenizer;
}

inline tokenizer::ChatFormat ByteChat() {
  auto chat = tokenizer::ChatFormat::Detect(ByteTokenizer());
  EXPECT_TRUE(chat.ok()) << chat.error().ToString();
  return *chat;
}

}  // namespace jade::backbone
