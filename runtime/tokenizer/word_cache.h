#pragma once
// Ids of words already merged. Bounded: a shard that is full is emptied. Any thread.

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jade::tokenizer {

class WordCache {
 public:
  static constexpr size_t kMaxWordBytes = 64;

  // Appends the ids of `word` when it is known.
  bool Append(std::string_view word, std::vector<int32_t>* ids) {
    Shard& shard = ShardOf(word);
    const std::scoped_lock lock(shard.mutex);
    const auto it = shard.words.find(word);
    if (it == shard.words.end()) return false;
    ids->insert(ids->end(), it->second.begin(), it->second.end());
    return true;
  }

  void Remember(std::string_view word, std::vector<int32_t> ids) {
    Shard& shard = ShardOf(word);
    const std::scoped_lock lock(shard.mutex);
    if (shard.words.size() >= kWordsPerShard) shard.words.clear();
    shard.words.emplace(std::string(word), std::move(ids));
  }

 private:
  static constexpr size_t kShards = 8;
  static constexpr size_t kWordsPerShard = 8192;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view word) const { return std::hash<std::string_view>{}(word); }
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<std::string, std::vector<int32_t>, Hash, std::equal_to<>> words;
  };

  Shard& ShardOf(std::string_view word) { return shards_[(Hash{}(word) >> 32) % kShards]; }

  std::array<Shard, kShards> shards_;
};

}  // namespace jade::tokenizer
