#pragma once
// The vectors of an index's passages: built from the passages that a BM25 index holds, and opened beside it, so that
// the texts are stored once. Building and opening are for one thread.

#include <atomic>
#include <memory>
#include <string>

#include "compiler/result/result.h"
#include "runtime/dense/text_encoder.h"
#include "runtime/dense/vector_index.h"
#include "runtime/progress/progress.h"
#include "runtime/retrieve/index.h"

namespace jade::dense {

// Where the vectors of an index lie: "corpus.db.vectors".
std::string VectorsPath(const std::string& index_path);

struct BuildSummary {
  int64_t vectors = 0;
  uint64_t bytes = 0;  // of the file
  double texts_per_second = 0.0;
};

// Encodes every passage ("title text") and replaces `path` whole or not at all. kIvf holds all vectors in memory twice
// for a while, the others once. An index without a corpus hash is kVersion: it has to be built again first.
Result<BuildSummary> BuildVectors(retrieve::Index& index, const std::string& path, TextEncoder& encoder,
                                  const IndexShape& shape, progress::Sink& progress, const std::atomic<bool>& cancel);

// That there are no vectors at `path`, and how to build them with `model`.
Error NoVectors(const std::string& path, const std::string& model);

// Vectors that are those of `index` by `encoder`. Anything else is an error that says what differs and what to do:
// kNotFound without a file, kInvalidArgument for another corpus or encoder, kCorrupt for a damaged file.
struct DenseIndex {
  VectorFileHeader header;
  std::unique_ptr<VectorIndex> vectors;
};
Result<DenseIndex> OpenVectors(const retrieve::Index& index, const std::string& path, const EncoderIdentity& encoder);

}  // namespace jade::dense
