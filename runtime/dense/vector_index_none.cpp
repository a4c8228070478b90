#include "runtime/dense/vector_index.h"

namespace jade::dense {
namespace {

Error Missing() {
  return Error(ErrorCode::kUnavailable, "this JADE was built without dense retrieval: configure with -DJADE_FAISS=ON");
}

}  // namespace

Result<std::unique_ptr<VectorIndex>> VectorIndex::FromFile(const VectorFile& /*file*/) {
  return Missing();
}

Result<std::unique_ptr<VectorIndexBuilder>> VectorIndexBuilder::Create(const IndexShape& /*shape*/) {
  return Missing();
}

}  // namespace jade::dense
