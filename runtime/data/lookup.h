#pragma once
// A small in-memory BM25 over a Library: what the `R` tool would return, for demonstrations made by the thousand. It
// follows the settings of the real index (title weight 2, stop words dropped, terms OR-ed, k1 1.2, b 0.75) with a light
// stemmer in place of Porter's. Read-only after construction; any thread may search with its own Scratch.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/data/passages.h"

namespace jade::data {

class Lookup {
 public:
  // Indexes the passages of `library` for which `keep` is true (all when empty). The library must outlive the lookup.
  explicit Lookup(const Library& library, const std::vector<bool>& keep = {});

  // The best `count` passages, best first; ties by passage id. Cost: the postings of the query's words.
  std::vector<PassageId> Search(std::string_view query, size_t count) const;

 private:
  struct Posting {
    PassageId passage;
    float weight;  // the passage's BM25 weight for the term, its idf included
  };
  std::unordered_map<std::string, std::vector<Posting>> postings_;
};

// Lower-cased, stemmed words of a text without stop words.
std::vector<std::string> SearchTerms(std::string_view text);

}  // namespace jade::data
