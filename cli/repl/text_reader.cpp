#include "cli/repl/text_reader.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace jade::repl {
namespace {

constexpr size_t kMaxLine = size_t{8} << 20;  // longer ones are cut; no input of that size is accepted anyway

}  // namespace

bool TextReader::Line(std::string* line) {
  if (held_) {
    *line = *std::exchange(held_, std::nullopt);
    return true;
  }
  while (true) {
    const size_t end = pending_.find('\n', taken_);
    const bool too_long = pending_.size() - taken_ > kMaxLine;
    if (end != std::string::npos || too_long || (at_end_ && taken_ < pending_.size())) {
      const size_t last = std::min({end, pending_.size(), taken_ + kMaxLine});
      *line = pending_.substr(taken_, last - taken_);
      taken_ = last == end ? last + 1 : last;
      if (line->ends_with('\r')) line->pop_back();
      return true;
    }
    if (at_end_) return false;
    pending_.erase(0, taken_);
    taken_ = 0;
    // A signal ends poll, but may not end read.
    pollfd source{options_.descriptor, POLLIN, 0};
    const int ready = poll(&source, 1, -1);
    if (cancel_.load()) return false;
    if (ready <= 0) continue;
    char block[65536];
    const ssize_t count = read(options_.descriptor, block, sizeof(block));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      at_end_ = true;
    } else {
      pending_.append(block, static_cast<size_t>(count));
    }
  }
}

InputReader::Read TextReader::Next(std::string* input) {
  std::string line;
  do {
    const char* prompt = buffer_.empty() ? kPrompt : kMorePrompt;
    if (options_.person) {
      fmt::print("{}", prompt);
      std::fflush(stdout);
    }
    if (!Line(&line)) {
      if (cancel_.load()) {
        buffer_.Take();
        return Read::kInterrupted;
      }
      if (buffer_.empty()) return Read::kEnd;
      break;  // what is unfinished at the end is tried, and its mistake shown
    }
    if (buffer_.EndsBefore(line)) {
      held_ = std::move(line);
      break;
    }
    if (options_.echo) {
      fmt::print("{}{}\n", prompt, line);
      std::fflush(stdout);
    }
    buffer_.Add(line);
  } while (buffer_.empty() || buffer_.state() != InputState::kComplete);
  *input = buffer_.Take();
  return Read::kInput;
}

}  // namespace jade::repl
