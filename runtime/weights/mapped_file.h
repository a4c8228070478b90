#pragma once
// A file mapped read-only into memory. The mapping lives as long as the object; a view into it must not outlive it.
// Immutable: any thread may read.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "compiler/result/result.h"

namespace jade::weights {

class MappedFile {
 public:
  // kNotFound, kIo (also for a directory); an empty file maps to an empty span.
  static Result<std::shared_ptr<const MappedFile>> Open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::string& path() const { return path_; }

 private:
  MappedFile(std::string path, const std::byte* data, size_t size) : path_(std::move(path)), data_(data), size_(size) {}
  std::string path_;
  const std::byte* data_;
  size_t size_;
};

}  // namespace jade::weights
