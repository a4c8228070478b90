#pragma once
// Ids of texts that many prompts begin with. Bounded: when it is full it is emptied. Any thread.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace jade::tokenizer {

class PrefixCache {
 public:
  static constexpr size_t kLeastBytes = 64;  // below that, looking up costs what it saves
  static constexpr size_t kMostBytes = size_t{64} << 10;

  struct Prefix {
    size_t cut = 0;  // where the ids end
    std::vector<int32_t> ids;
  };

  // Null when `text` is not known. `whole`: a text that ends there, so that its ids are those of all of it.
  std::shared_ptr<const Prefix> Find(std::string_view text, bool whole) const {
    const std::scoped_lock lock(mutex_);
    const auto& prefixes = whole ? whole_ : begun_;
    const auto found = prefixes.find(text);
    return found == prefixes.end() ? nullptr : found->second;
  }

  void Remember(std::string_view text, bool whole, std::shared_ptr<const Prefix> prefix) {
    const std::scoped_lock lock(mutex_);
    auto& prefixes = whole ? whole_ : begun_;
    if (prefixes.size() >= kMostPrefixes) prefixes.clear();
    prefixes.emplace(std::string(text), std::move(prefix));
  }

 private:
  static constexpr size_t kMostPrefixes = 256;

  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Prefixes = std::unordered_map<std::string, std::shared_ptr<const Prefix>, Hash, std::equal_to<>>;

  mutable std::mutex mutex_;
  Prefixes whole_;
  Prefixes begun_;
};

}  // namespace jade::tokenizer
