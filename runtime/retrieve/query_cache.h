#pragma once
// Results of queries asked before, the least recently used forgotten first. A cache belongs to one index, whatever
// searches it, and to one thread at a time.

#include <cstddef>
#include <list>
#include <map>
#include <optional>
#include <string>

#include "runtime/retrieve/searcher.h"

namespace jade::retrieve {

class QueryCache {
 public:
  // At most this many bytes of queries and results; 0 keeps nothing.
  explicit QueryCache(size_t max_bytes) : max_bytes_(max_bytes) {}

  std::optional<std::string> Find(const Query& query);
  void Insert(const Query& query, std::string result);
  size_t bytes() const { return bytes_; }

 private:
  using Key = std::pair<std::string, int>;
  struct Entry {
    std::string result;
    std::list<const Key*>::iterator use;
  };
  static size_t Cost(const Key& key, const std::string& result);
  void Forget(std::map<Key, Entry>::iterator entry);

  size_t max_bytes_;
  size_t bytes_ = 0;
  std::map<Key, Entry> entries_;
  std::list<const Key*> uses_;  // the latest first; keys of entries_
};

}  // namespace jade::retrieve
