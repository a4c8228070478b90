#pragma once
// The masks of the states of one machine over one vocabulary, computed when first asked for. Bounded; any thread.

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "runtime/engine/token_mask.h"

namespace jade::constrain {

struct Mask {
  engine::TokenMask tokens;
  uint32_t farthest = 0;  // bytes from behind any of them to the end of the text, at most
};
struct MaskEntry {
  Mask mask;
  uint32_t number = 0;
};

class MaskCache {
 public:
  static constexpr size_t kMaxBytes = size_t{32} << 20;
  static constexpr size_t kMaxNumbers = size_t{1} << 18;

  explicit MaskCache(int64_t vocabulary_size);

  // `key` is the state, byte for byte. Null when its mask is not known.
  std::shared_ptr<const MaskEntry> Find(std::string_view key);
  // Keeps it; gives what was there already if another thread was first.
  std::shared_ptr<const MaskEntry> Add(std::string_view key, Mask mask);

  size_t size() const;
  size_t capacity() const { return kShards * shard_capacity_; }

 private:
  static constexpr size_t kShards = 8;
  struct Slot {
    std::string key;
    std::shared_ptr<const MaskEntry> entry;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Slot> order;  // newest first
    std::unordered_map<std::string_view, std::list<Slot>::iterator> slots;
  };
  Shard& ShardOf(std::string_view key);
  // The same in every process: a hash of the state, moved on where two states known here would have one number.
  uint32_t NumberOf(std::string_view key);

  size_t shard_capacity_;
  std::array<Shard, kShards> shards_;
  std::mutex numbers_mutex_;
  std::unordered_map<uint32_t, uint64_t> numbers_;  // and the rest of the hash
};

}  // namespace jade::constrain
