#pragma once
// Internal to runtime/jit: compiled objects on the disk, so that a program that was compiled before starts compiled.
// A file is named by the hash of everything that its content depends on and carries a checksum; what cannot be read or
// is damaged counts as missing. Files are written aside and renamed, so that processes may share a directory.

#include <string>

#include "compiler/codegen/codegen.h"

namespace jade::jit {

class ObjectCache {
 public:
  // Empty: nothing is kept.
  explicit ObjectCache(std::string directory) : directory_(std::move(directory)) {}
  bool enabled() const { return !directory_.empty(); }

  // Hash of the module's JIR, the code generator's options and version, this build of JADE, LLVM's version and the
  // processor; 32 hex digits.
  static std::string KeyOf(const ir::Module& module, const codegen::CodegenOptions& options);

  std::string Load(const std::string& key) const;  // empty: not there
  // A disk that is full or read-only costs the next start some milliseconds; nobody is told.
  void Store(const std::string& key, const std::string& object) const;

 private:
  std::string PathOf(const std::string& key) const { return directory_ + "/" + key + ".o"; }
  std::string directory_;
};

}  // namespace jade::jit
