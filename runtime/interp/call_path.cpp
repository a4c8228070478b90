#include "runtime/interp/call_path.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <cstring>
#include <new>
#include <vector>

namespace jade::interp {

namespace {
Hash128 HashOf(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  return {hash.low64, hash.high64};
}
}  // namespace

PathStep PathStep::Of(std::string text) {
  const Hash128 hash = HashOf(text);
  return {std::move(text), hash};
}

CallPath::CallPath(CallPathPtr parent, std::string_view segment, const Hash128& segment_hash)
    : size_(static_cast<uint32_t>(segment.size())), parent_(std::move(parent)) {
  std::memcpy(static_cast<void*>(this + 1), segment.data(), segment.size());
  const Hash128 above = parent_ != nullptr ? parent_->hash_ : Hash128{};
  const uint64_t words[4] = {above[0], above[1], segment_hash[0], segment_hash[1]};
  const XXH128_hash_t hash = XXH3_128bits(words, sizeof(words));
  hash_ = {hash.low64, hash.high64};
}

CallPathPtr CallPath::Make(CallPathPtr parent, std::string_view segment) {
  void* storage = ::operator new(sizeof(CallPath) + segment.size());
  return CallPathPtr(new (storage) CallPath(std::move(parent), segment, HashOf(segment)));
}

CallPathPtr CallPath::Make(CallPathPtr parent, const PathStep& step) {
  void* storage = ::operator new(sizeof(CallPath) + step.text.size());
  return CallPathPtr(new (storage) CallPath(std::move(parent), step.text, step.hash));
}

void CallPath::Dispose(const CallPath* path) {
  // A chain that nobody else holds ends link by link: a deep one must not recurse.
  CallPathPtr parent = path->parent_;
  path->~CallPath();
  ::operator delete(const_cast<CallPath*>(path));
  while (parent.unique()) {
    CallPathPtr next = parent->parent_;
    parent = std::move(next);
  }
}

std::string CallPath::ToString() const {
  std::vector<const CallPath*> chain;
  for (const CallPath* path = this; path != nullptr; path = path->parent_.get()) chain.push_back(path);
  std::string text;
  for (auto path = chain.rbegin(); path != chain.rend(); ++path) {
    if (!text.empty()) text += '/';
    text += (*path)->segment();
  }
  return text;
}

std::string PathSegment(std::string_view callee, uint32_t ordinal, std::string_view label,
                        std::span<const int64_t> loops) {
  std::string segment(callee);
  if (!label.empty()) {
    segment += '@';
    segment += label;
  } else if (ordinal != 0) {
    segment += fmt::format("#{}", ordinal);
  }
  for (int64_t index : loops) segment += fmt::format("[{}]", index);
  return segment;
}

Hash128 StreamKey(uint64_t run_seed, const Hash128& path) {
  const uint64_t words[3] = {run_seed, path[0], path[1]};
  const XXH128_hash_t hash = XXH3_128bits(words, sizeof(words));
  return {hash.low64, hash.high64};
}

}  // namespace jade::interp
