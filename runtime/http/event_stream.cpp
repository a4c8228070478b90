#include "runtime/http/event_stream.h"

#include <fmt/format.h>

namespace jade::http {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void EventStream::EndLine(std::vector<std::string>* events) {
  std::string_view line = line_;
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) {
    if (has_data_) events->push_back(std::move(data_));
    data_.clear();
    has_data_ = false;
  } else if (line == "data" || line.starts_with("data:")) {
    line.remove_prefix(line.size() == 4 ? 4 : 5);
    if (line.starts_with(' ')) line.remove_prefix(1);
    if (has_data_) data_ += '\n';
    data_ += line;
    has_data_ = true;
  }
  line_.clear();
}

Result<std::vector<std::string>> EventStream::Push(std::string_view bytes) {
  std::vector<std::string> events;
  while (!bytes.empty()) {
    if (after_return_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_return_ = false;
    const size_t end = bytes.find_first_of("\r\n");
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() + data_.size() > max_bytes_) {
      return Error(ErrorCode::kCorrupt, fmt::format("an event of the stream is longer than {} bytes", max_bytes_));
    }
    line_ += piece;
    if (end == std::string_view::npos) break;
    after_return_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    EndLine(&events);
  }
  return events;
}

}  // namespace jade::http
