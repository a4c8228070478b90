#pragma once
// The records of a question file, whichever of three forms it has, told by its first character: a JSON list (`[`), one
// JSON object a line (`{`), or a table, its columns named in the first line and separated by tabs or commas as that
// line is; in a table every value is a text. Streams: memory is bounded by the longest record allowed, however large
// the file is. One thread per object.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "compiler/result/result.h"

namespace jade::datasets {

class Records {
 public:
  static constexpr uint64_t kMaxRecordBytes = 16ULL << 20U;

  static Result<std::unique_ptr<Records>> Open(const std::string& path);
  virtual ~Records() = default;

  // Reads the next record, an object, into `out`; false at the end. What is not JSON, not UTF-8, longer than
  // kMaxRecordBytes or nested too deeply fails as ErrorHere.
  virtual Result<bool> Next(nlohmann::json* out) = 0;
  // "file:line: record N: message", about the record read last.
  virtual Error ErrorHere(std::string_view message) const = 0;
  virtual uint64_t bytes_read() const = 0;
};

}  // namespace jade::datasets
