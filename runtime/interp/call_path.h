#pragma once
// Where a call stands in a run: the chain of sites from the entry workflow to it. Its text names the call in traces and
// traps, its hash keys random streams and replay. Immutable. Shared by tasks and calls on the scheduler's thread; one
// allocation holds a path and its segment.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/interp/local_ptr.h"

namespace jade::interp {

using Hash128 = std::array<uint64_t, 2>;  // low, high

// One step of a path. Without loop indices it is the same for every run, and can be made once for a site.
struct PathStep {
  std::string text;
  Hash128 hash{};  // XXH3-128 of the text
  static PathStep Of(std::string text);
};

class CallPath;
using CallPathPtr = LocalPtr<const CallPath>;

class CallPath final : public LocalCounted<CallPath> {
 public:
  // Parent null: the path of an entry declaration.
  static CallPathPtr Make(CallPathPtr parent, std::string_view segment);
  static CallPathPtr Make(CallPathPtr parent, const PathStep& step);
  // The entry declaration's path: its name.
  static CallPathPtr Root(std::string_view name) { return Make(nullptr, name); }
  static void Dispose(const CallPath* path);

  const CallPathPtr& parent() const { return parent_; }
  // What it adds to its parent's; the text stands behind the object.
  std::string_view segment() const { return {reinterpret_cast<const char*>(this + 1), size_}; }
  const Hash128& hash() const { return hash_; }  // XXH3-128 of (parent's hash, segment's hash)
  std::string ToString() const;                  // "Solve/run/QDS/QR[2]"

 private:
  CallPath(CallPathPtr parent, std::string_view segment, const Hash128& segment_hash);
  ~CallPath() = default;

  uint32_t size_;
  CallPathPtr parent_;
  Hash128 hash_;
};

// "QR", "QR#1", "QR@first", each followed by the loop indices: "QR#1[0][2]".
std::string PathSegment(std::string_view callee, uint32_t ordinal, std::string_view label,
                        std::span<const int64_t> loops);

// The key of one call's random stream.
Hash128 StreamKey(uint64_t run_seed, const Hash128& path);
inline Hash128 StreamKey(uint64_t run_seed, const CallPath& path) {
  return StreamKey(run_seed, path.hash());
}

}  // namespace jade::interp
