#pragma once
// Internal to runtime/jit: compiled objects on the disk, so that a program that was compiled before starts compiled.
// A file is named by the hash of everything that its content depends on and carries a checksum; what cannot be read or
// is damaged counts as missing. Files are written aside and renamed, so that processes may share a directory. It is
// bounded: what was not used for longest goes when something new comes.

#include <cstdint>
#include <string>

#include "compiler/codegen/codegen.h"

namespace jade::jit {

struct CacheLimits {
  uint64_t bytes = 256ULL << 20U;
  uint64_t files = 2048;
};

class ObjectCache {
 public:
  // Empty: nothing is kept.
  explicit ObjectCache(std::string directory, CacheLimits limits = {})
      : directory_(std::move(directory)), limits_(limits) {}
  bool enabled() const { return !directory_.empty(); }

  // Hash of the module's JIR, the code generator's options and version, this build of JADE, LLVM's version and the
  // processor; 32 hex digits.
  static std::string KeyOf(const ir::Module& module, const codegen::CodegenOptions& options);

  std::string Load(const std::string& key) const;  // empty: not there
  // A disk that is full or read-only costs the next start some milliseconds; nobody is told.
  void Store(const std::string& key, const std::string& object) const;

 private:
  std::string PathOf(const std::string& key) const { return directory_ + "/" + key + ".o"; }
  // Removes files, the longest unused first, until a fifth of what is allowed is free again, when there are too many.
  // Reads the directory: about 1 us a file.
  void Trim() const;

  std::string directory_;
  CacheLimits limits_;
};

}  // namespace jade::jit
