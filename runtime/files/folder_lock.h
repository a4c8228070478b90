#pragma once
// One process at a time in a folder: a lock that the system drops when its holder ends, whatever ends it.

#include <string>

#include "compiler/result/result.h"

namespace jade::files {

class FolderLock {
 public:
  // kUnavailable, naming the holder, while another holds it. Leaves a file `.lock` in the folder.
  static Result<FolderLock> Take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&& other) noexcept;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_ = -1;
};

}  // namespace jade::files
