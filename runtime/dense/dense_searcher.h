#pragma once
// Search by meaning, alone or together with BM25. A searcher belongs to one thread at a time.

#include <memory>
#include <string>

#include "runtime/dense/dense_index.h"
#include "runtime/retrieve/searcher.h"

namespace jade::dense {

enum class SearchMode {
  kDense,   // the score of a passage is its inner product with the query
  kHybrid,  // reciprocal-rank fusion of the 100 best of BM25 and of the vectors (retrieve::FuseRankings)
};

// The queries of one Search are encoded in one batch. Fails as OpenVectors does.
Result<std::unique_ptr<retrieve::Searcher>> OpenSearcher(std::unique_ptr<retrieve::Index> index,
                                                         const std::string& vectors_path,
                                                         std::unique_ptr<TextEncoder> encoder, SearchMode mode);

}  // namespace jade::dense
