#pragma once
// SHA-256 of files and of bytes that arrive in pieces. One object, one thread.

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "compiler/result/result.h"

namespace jade::pull {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void Add(std::span<const std::byte> bytes);
  std::string Finish();  // 64 lower-case hexadecimal digits; once

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// kCancelled when `cancelled` says so between two blocks.
Result<std::string> Sha256OfFile(const std::string& path, const std::function<bool()>& cancelled = {});

}  // namespace jade::pull
