#pragma once
// BM25 over passages, on SQLite FTS5. An index is one file; it is built beside its place and renamed into it, so a
// reader sees the old one or the new one. Ranking: porter stemming, titles count twice, stop words of the query are
// dropped, terms are OR-ed; k1 = 1.2, b = 0.75 as FTS5 has them. An Index belongs to one thread at a time.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/progress/progress.h"

namespace jade::retrieve {

struct Passage {
  std::string id;
  std::string title;
  std::string text;
  double score = 0.0;  // larger is better: BM25, inner product, or of a fusion
  int64_t row = 0;     // its place in the corpus, from 0
};

struct BuildSummary {
  uint64_t passages = 0;
  uint64_t bytes = 0;  // of the index file
};

// Reads `corpus` (JSONL of id, title, text) and replaces `index_path`. Memory stays bounded whatever the corpus: rows
// stream into the file. On any failure, and when `cancel` becomes true, an index already there is left untouched.
Result<BuildSummary> BuildIndex(const std::string& corpus, const std::string& index_path, progress::Sink& progress,
                                const std::atomic<bool>& cancel);

class Index {
 public:
  static Result<std::unique_ptr<Index>> Open(const std::string& path);
  virtual ~Index() = default;

  // The `k` best passages for free text, best first; ties by place in the corpus. Text without a single word finds
  // nothing. At most 64 terms of the query count.
  virtual Result<std::vector<Passage>> Search(std::string_view query, int k) = 0;
  // The passages with exactly this title, in the order of the corpus.
  virtual Result<std::vector<Passage>> WithTitle(std::string_view title) = 0;
  // The passages at these places in the corpus, in the order asked for, with score 0. A place beyond the end is
  // kCorrupt.
  virtual Result<std::vector<Passage>> AtRows(std::span<const int64_t> rows) = 0;
  virtual uint64_t passages() const = 0;
  // Of the ids, titles and texts in their order; empty for an index that was built before there was one.
  virtual const std::string& corpus_hash() const = 0;
};

// The FTS5 expression a query becomes: `"who" OR "dune"`. Empty when there is no word. Public for tests and
// `--explain`.
std::string MatchExpression(std::string_view query);

}  // namespace jade::retrieve
