#pragma once
// The file that holds the vectors of an index: a header that says what they are, the bytes of a search structure, and a
// checksum of both. Written whole or not at all. A file is read by mapping it; any thread may read.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "compiler/result/result.h"
#include "runtime/dense/text_encoder.h"
#include "runtime/weights/mapped_file.h"

namespace jade::dense {

// How vectors are searched. All are compared by inner product, which for vectors of length 1 is the cosine.
enum class IndexKind {
  kFlat,  // every vector, exact
  kIvf,   // the lists of the nearest centroids
  kHnsw,  // a graph of neighbours
};
std::string_view IndexKindName(IndexKind kind);        // "flat", "ivf", "hnsw"
Result<IndexKind> IndexKindOf(std::string_view name);  // kInvalidArgument

struct VectorFileHeader {
  IndexKind kind = IndexKind::kFlat;
  int64_t count = 0;
  std::string corpus_hash;  // of the passages, retrieve::Index::corpus_hash
  EncoderIdentity encoder;  // its dimension is that of the vectors
};

// Takes bytes in the order of the file.
using ByteSink = std::function<Status(std::span<const std::byte>)>;

// `payload` writes what follows the header.
Status WriteVectorFile(const std::string& path, const VectorFileHeader& header,
                       const std::function<Status(const ByteSink&)>& payload);

class VectorFile {
 public:
  // Reads the whole file once for its checksum. kNotFound, kVersion, and kCorrupt for a file that is cut short,
  // changed, or something else.
  static Result<VectorFile> Open(const std::string& path);
  // Only the header, unchecked against damage behind it.
  static Result<VectorFileHeader> ReadHeader(const std::string& path);

  const VectorFileHeader& header() const { return header_; }
  std::span<const std::byte> payload() const { return payload_; }

 private:
  VectorFile(std::shared_ptr<const weights::MappedFile> file, VectorFileHeader header,
             std::span<const std::byte> payload)
      : file_(std::move(file)), header_(std::move(header)), payload_(payload) {}
  std::shared_ptr<const weights::MappedFile> file_;
  VectorFileHeader header_;
  std::span<const std::byte> payload_;
};

}  // namespace jade::dense
