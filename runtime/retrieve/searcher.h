#pragma once
// What finds passages for queries, several at once: dense or hybrid search (runtime/dense). One thread at a time.

#include <span>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/retrieve/index.h"

namespace jade::retrieve {

struct Query {
  std::string text;
  int k = 0;
  friend bool operator==(const Query&, const Query&) = default;
};

class Searcher {
 public:
  virtual ~Searcher() = default;
  // For each query its passages, best first.
  virtual Result<std::vector<std::vector<Passage>>> Search(std::span<const Query> queries) = 0;
  virtual std::string Describe() const = 0;  // "hybrid (6,119 passages, all-minilm-l6-v2, flat)"
};

}  // namespace jade::retrieve
