#pragma once
// Server-sent events, as they arrive (https://html.spec.whatwg.org/multipage/server-sent-events.html): bytes in, the
// data of each event out. Comments and the other fields are dropped. One stream, one thread.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"

namespace jade::http {

class EventStream {
 public:
  explicit EventStream(size_t max_event_bytes = 4ULL << 20U) : max_bytes_(max_event_bytes) {}

  // The events that these bytes complete, in order. kCorrupt once an event is longer than allowed.
  Result<std::vector<std::string>> Push(std::string_view bytes);

 private:
  void EndLine(std::vector<std::string>* events);
  size_t max_bytes_;
  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool after_return_ = false;  // the last byte was \r: a \n belongs to it
  bool first_line_ = true;
};

}  // namespace jade::http
