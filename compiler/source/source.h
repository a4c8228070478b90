#pragma once
// Source texts and places in them. A SourceFile owns its bytes and never moves them; Spans are byte ranges that stay
// valid for the file's life. Immutable after construction: any thread may read.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"

namespace jade::source {

// Half-open byte range [begin, end) in one SourceFile.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
  friend bool operator==(const Span&, const Span&) = default;
};

inline Span Cover(Span a, Span b) {
  return {a.begin < b.begin ? a.begin : b.begin, a.end > b.end ? a.end : b.end};
}

// 1-based line; 1-based column counted in code points, as editors show it.
struct LineColumn {
  uint32_t line = 1;
  uint32_t column = 1;
  friend bool operator==(const LineColumn&, const LineColumn&) = default;
};

class SourceFile {
 public:
  SourceFile(std::string name, std::string text);
  SourceFile(const SourceFile&) = delete;
  SourceFile& operator=(const SourceFile&) = delete;

  const std::string& name() const { return name_; }  // path as the user wrote it, or "<plan>", "std/rag.jade", …
  std::string_view text() const { return text_; }
  std::string_view Text(Span span) const;  // clamped to the file

  LineColumn At(uint32_t byte) const;  // O(log lines)
  uint32_t line_count() const { return static_cast<uint32_t>(line_starts_.size()); }
  std::string_view Line(uint32_t line) const;  // 1-based, without the line break
  Span LineSpan(uint32_t line) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<uint32_t> line_starts_;
};

using SourceFilePtr = std::shared_ptr<const SourceFile>;

// Reads a file whole. Fails with kNotFound, kIo, or kInvalidArgument for a directory and above `max_bytes`.
Result<std::string> ReadFile(const std::string& path, uint64_t max_bytes);

// Byte offset of the first invalid UTF-8 sequence (overlong, surrogate, > U+10FFFF, truncated), or npos.
size_t FirstInvalidUtf8(std::string_view text);

}  // namespace jade::source
