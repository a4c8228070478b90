#include "runtime/constrain/mask_cache.h"

#include <xxhash.h>

#include <algorithm>

namespace jade::constrain {

MaskCache::MaskCache(int64_t vocabulary_size)
    : shard_capacity_(std::max<size_t>(kMaxBytes / kShards / (static_cast<size_t>(vocabulary_size) / 8 + 512), 4)) {}

MaskCache::Shard& MaskCache::ShardOf(std::string_view key) {
  return shards_[XXH3_64bits(key.data(), key.size()) >> 61U];
}

std::shared_ptr<const MaskEntry> MaskCache::Find(std::string_view key) {
  Shard& shard = ShardOf(key);
  const std::scoped_lock lock(shard.mutex);
  auto found = shard.slots.find(key);
  if (found == shard.slots.end()) return nullptr;
  shard.order.splice(shard.order.begin(), shard.order, found->second);
  return found->second->entry;
}

std::shared_ptr<const MaskEntry> MaskCache::Add(std::string_view key, Mask mask) {
  auto entry = std::make_shared<MaskEntry>();
  entry->mask = std::move(mask);
  entry->number = NumberOf(key);
  Shard& shard = ShardOf(key);
  const std::scoped_lock lock(shard.mutex);
  if (auto found = shard.slots.find(key); found != shard.slots.end()) return found->second->entry;
  shard.order.push_front({std::string(key), entry});
  shard.slots.emplace(shard.order.front().key, shard.order.begin());
  if (shard.slots.size() > shard_capacity_) {
    shard.slots.erase(shard.order.back().key);
    shard.order.pop_back();
  }
  return entry;
}

size_t MaskCache::size() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    total += shard.slots.size();
  }
  return total;
}

uint32_t MaskCache::NumberOf(std::string_view key) {
  const XXH128_hash_t hash = XXH3_128bits(key.data(), key.size());
  auto number = static_cast<uint32_t>(hash.low64);
  const std::scoped_lock lock(numbers_mutex_);
  for (;; ++number) {
    auto found = numbers_.find(number);
    if (found != numbers_.end() && found->second != hash.high64) continue;
    if (found == numbers_.end() && numbers_.size() < kMaxNumbers) numbers_.emplace(number, hash.high64);
    return number;
  }
}

}  // namespace jade::constrain
