#pragma once
// The bytes of a file one after another, with the number of the line they stand on. Reads in blocks; one thread.

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "compiler/result/result.h"

namespace jade::datasets {

class ByteSource {
 public:
  static constexpr int kEnd = -1;

  // Opens `path` behind a byte order mark, if it has one. Fails on a directory, and on compressed files and Parquet,
  // saying what to do.
  static Result<ByteSource> Open(const std::string& path);

  // The next byte, 0 to 255, or kEnd. A file that cannot be read on ends there, and `status` tells why.
  int Next();
  int Peek();
  // Takes white space; the byte behind it, not taken.
  int PeekBehindSpace();
  // The first byte that is not white space, as far as the block that is in memory goes; takes nothing.
  int FirstInBlock() const;

  uint64_t line() const { return line_; }  // 1-based, of the byte that comes next
  uint64_t bytes_read() const { return consumed_ + at_; }
  uint64_t bytes_total() const { return total_; }  // the size of the file when it was opened
  Status status() const;

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  bool Fill();
  Status RefuseOtherFormats();

  std::string path_;
  std::unique_ptr<std::FILE, Closer> file_;
  std::string block_;
  size_t at_ = 0;
  uint64_t consumed_ = 0;  // bytes of the blocks before this one
  uint64_t total_ = 0;
  uint64_t line_ = 1;
};

}  // namespace jade::datasets
