#include "runtime/retrieve/query_cache.h"

namespace jade::retrieve {

std::optional<std::string> QueryCache::Find(const Query& query) {
  const auto found = entries_.find(Key(query.text, query.k));
  if (found == entries_.end()) return std::nullopt;
  uses_.splice(uses_.begin(), uses_, found->second.use);
  return found->second.result;
}

void QueryCache::Insert(const Query& query, std::string result) {
  Key key(query.text, query.k);
  if (const auto old = entries_.find(key); old != entries_.end()) Forget(old);
  const size_t cost = Cost(key, result);
  if (cost > max_bytes_) return;
  while (bytes_ + cost > max_bytes_) Forget(entries_.find(*uses_.back()));
  const auto entry = entries_.emplace(std::move(key), Entry{std::move(result), {}}).first;
  uses_.push_front(&entry->first);
  entry->second.use = uses_.begin();
  bytes_ += cost;
}

// With what the maps need around an entry, roughly.
size_t QueryCache::Cost(const Key& key, const std::string& result) {
  constexpr size_t kOverhead = 200;
  return key.first.size() + result.size() + kOverhead;
}

void QueryCache::Forget(std::map<Key, Entry>::iterator entry) {
  bytes_ -= Cost(entry->first, entry->second.result);
  uses_.erase(entry->second.use);
  entries_.erase(entry);
}

}  // namespace jade::retrieve
