#pragma once
// Files that are either as they were or wholly new: written beside their place, synced, then renamed over it. A crash,
// a full disk or a cancelled write leaves the old file. One writer, one thread.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "compiler/result/result.h"

namespace jade::files {

class AtomicFile {
 public:
  // Creates the temporary file; its folder must exist. With `expected_bytes`, reserves the space, so that a full disk
  // is known before the work is done.
  static Result<AtomicFile> Create(const std::string& path, uint64_t expected_bytes = 0);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();  // without Commit, removes the temporary file

  Status Write(std::span<const std::byte> bytes);
  Status Write(std::string_view text) { return Write(std::as_bytes(std::span(text))); }
  // Syncs and renames. The object is then empty.
  Status Commit();

 private:
  AtomicFile(int descriptor, std::string path, std::string temporary)
      : descriptor_(descriptor), path_(std::move(path)), temporary_(std::move(temporary)) {}
  void Discard();

  int descriptor_ = -1;
  std::string path_;
  std::string temporary_;
};

Status WriteFileAtomically(const std::string& path, std::string_view contents);

}  // namespace jade::files
