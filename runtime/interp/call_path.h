#pragma once
// Where a call stands in a run: the chain of sites from the entry workflow to it. Its text names the call in traces and
// traps, its hash keys random streams and replay. Immutable; any thread.

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace jade::interp {

using Hash128 = std::array<uint64_t, 2>;  // low, high

class CallPath;
using CallPathPtr = std::shared_ptr<const CallPath>;

class CallPath {
 public:
  CallPath(CallPathPtr parent, std::string segment);

  // The entry declaration's path: its name.
  static CallPathPtr Root(std::string_view name) { return std::make_shared<CallPath>(nullptr, std::string(name)); }

  const CallPathPtr& parent() const { return parent_; }
  const Hash128& hash() const { return hash_; }  // XXH3-128 of (parent's hash, segment)
  std::string ToString() const;                  // "Solve/run/QDS/QR[2]"

 private:
  CallPathPtr parent_;
  std::string segment_;
  Hash128 hash_;
};

// "QR", "QR#1", "QR@first", each followed by the loop indices: "QR#1[0][2]".
std::string PathSegment(std::string_view callee, uint32_t ordinal, std::string_view label,
                        std::span<const int64_t> loops);

// The key of one call's random stream.
Hash128 StreamKey(uint64_t run_seed, const CallPath& path);

}  // namespace jade::interp
