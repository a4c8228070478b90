#include "runtime/backbone/stop_text.h"

#include <algorithm>

namespace jade::backbone {

ReplyText::ReplyText(tokenizer::Tokenizer tokenizer, std::vector<std::string> stops)
    : decoder_(std::move(tokenizer)), stops_(std::move(stops)) {
  std::erase(stops_, std::string());
  for (const std::string& stop : stops_) longest_stop_ = std::max(longest_stop_, stop.size());
}

bool ReplyText::Push(int32_t id) {
  return Append(decoder_.Push(id));
}

bool ReplyText::Append(const std::string& piece) {
  const size_t overlap = longest_stop_ == 0 ? 0 : longest_stop_ - 1;
  const size_t from = text_.size() - std::min(text_.size(), overlap);
  text_ += piece;
  size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, text_.find(stop, from));
  if (first == std::string::npos) return false;
  text_.resize(first);
  finished_ = true;
  return true;
}

void ReplyText::Finish() {
  if (!finished_) Append(decoder_.Finish());
  finished_ = true;
}

size_t ReplyText::HeldBack() const {
  if (finished_ || longest_stop_ == 0) return 0;
  const size_t most = std::min(text_.size() - taken_, longest_stop_ - 1);
  for (size_t length = most; length > 0; --length) {
    const std::string_view tail = std::string_view(text_).substr(text_.size() - length);
    for (const std::string& stop : stops_) {
      if (stop.starts_with(tail)) return length;
    }
  }
  return 0;
}

std::string ReplyText::TakeDelta() {
  // A stop string found late may begin inside a piece that was only held back, never inside one that was taken.
  size_t end = text_.size() - HeldBack();
  // A held-back tail may begin inside a code point; a delta is made of whole ones.
  while (end > taken_ && end < text_.size() && (static_cast<unsigned char>(text_[end]) & 0xC0) == 0x80) --end;
  std::string delta = text_.substr(taken_, end - taken_);
  taken_ = end;
  return delta;
}

}  // namespace jade::backbone
