#pragma once
// Nearest neighbours by inner product, on FAISS. Without it (-DJADE_FAISS=OFF) everything here fails with kUnavailable.
// An index belongs to one thread at a time; a search uses the threads of OpenMP.

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/dense/vector_file.h"

namespace jade::dense {

struct VectorHit {
  int64_t row = 0;  // of the vector, in the order of adding
  float score = 0;  // inner product
};

// What a search looks at, fixed when an index is built. The defaults find 95 % and more of the true neighbours.
struct IndexShape {
  IndexKind kind = IndexKind::kFlat;
  int64_t dimension = 0;
  int64_t lists = 0;          // kIvf: 0 is 4·√count
  int64_t probes = 0;         // kIvf: lists searched; 0 is an eighth of them, at most 64 and at least 8
  int64_t links = 32;         // kHnsw: neighbours of a vector
  int64_t build_width = 128;  // kHnsw: candidates looked at for a place in the graph
  int64_t search_width = 128;
};

class VectorIndex {
 public:
  // Checks what it reads against the header.
  static Result<std::unique_ptr<VectorIndex>> FromFile(const VectorFile& file);
  virtual ~VectorIndex() = default;

  // The `k` best for each of the queries [n, dimension], best first, ties by row; fewer when there are not so many.
  virtual Result<std::vector<std::vector<VectorHit>>> Search(std::span<const float> queries, int k) = 0;
};

// Equal vectors in equal order give an equal index: a graph is grown by one thread.
class VectorIndexBuilder {
 public:
  // kUnavailable without FAISS.
  static Result<std::unique_ptr<VectorIndexBuilder>> Create(const IndexShape& shape);
  virtual ~VectorIndexBuilder() = default;

  // Rows [n, dimension] of length 1. kIvf keeps them until Finish.
  virtual Status Add(std::span<const float> vectors) = 0;
  // Trains what is to be trained. kCancelled soon after `cancel` becomes true. One build at a time in a process: FAISS
  // has one callback for that.
  virtual Status Finish(const std::atomic<bool>& cancel) = 0;
  // Writes the payload of a VectorFile.
  virtual Status Write(const ByteSink& sink) const = 0;
  virtual int64_t count() const = 0;
};

}  // namespace jade::dense
