#pragma once
// Reading and writing files of one JSON value a line. The reader streams: memory is bounded by the longest line
// allowed. One thread per object.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "compiler/result/result.h"

namespace jade::jsonl {

class Reader {
 public:
  // Opens `path`; lines longer than `max_line_bytes` are errors.
  static Result<Reader> Open(const std::string& path, uint64_t max_line_bytes = 16ULL << 20U);

  // Reads the next object into `out`; false at the end. Blank lines are skipped. A line that is not a JSON object, or
  // is nested more than 200 deep, fails with kInvalidArgument and "file:line: …": what is read can be copied and
  // printed.
  Result<bool> Next(nlohmann::json* out);

  uint64_t line() const { return line_; }  // 1-based number of the line read last
  uint64_t bytes_read() const { return bytes_; }
  uint64_t bytes_total() const { return total_; }  // size of the file when it was opened
  // "file:line: message" as an error about the line read last.
  Error ErrorHere(std::string_view message) const;

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  Result<bool> ReadLine(std::string* line);

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  uint64_t max_line_bytes_ = 0;
  uint64_t line_ = 0;
  uint64_t bytes_ = 0;
  uint64_t total_ = 0;
};

// The text under `key`, or an error that names the line and the key.
Result<std::string> TextField(const Reader& reader, const nlohmann::json& object, const char* key);

}  // namespace jade::jsonl
