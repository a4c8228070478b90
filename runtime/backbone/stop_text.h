#pragma once
// The text of a reply while its tokens arrive: finds stop strings, also across tokens, and holds back what could be the
// beginning of one. One reply, one thread.

#include <optional>
#include <string>
#include <vector>

#include "runtime/tokenizer/tokenizer.h"

namespace jade::backbone {

class ReplyText {
 public:
  ReplyText(tokenizer::Tokenizer tokenizer, std::vector<std::string> stops);

  // Adds a token; true when a stop string is complete. The text then ends before it.
  bool Push(int32_t id);
  // No more tokens: what was held back becomes part of the text.
  void Finish();

  const std::string& text() const { return text_; }
  // The text that became certain since the last call.
  std::string TakeDelta();

 private:
  bool Append(const std::string& piece);
  size_t HeldBack() const;

  tokenizer::StreamDecoder decoder_;
  std::vector<std::string> stops_;
  size_t longest_stop_ = 0;
  std::string text_;
  size_t taken_ = 0;
  bool finished_ = false;
};

}  // namespace jade::backbone
