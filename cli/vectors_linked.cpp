// The side of cli/backbone.h that encodes texts and searches vectors.

#include <algorithm>
#include <filesystem>

#include "cli/backbone.h"
#include "runtime/assets/assets.h"
#include "runtime/dense/dense_index.h"
#include "runtime/dense/dense_searcher.h"
#include "runtime/encoder/encoder.h"

namespace jade::cli {
namespace {

Result<std::unique_ptr<dense::TextEncoder>> LoadEncoder(const std::string& model) {
  JADE_ASSIGN_OR_RETURN(const std::string folder, assets::FindModel(model));
  return encoder::LoadEncoder({.folder = folder, .name = model});
}

}  // namespace

Result<VectorsSummary> BuildVectors(const VectorsRequest& request, progress::Sink& progress,
                                    const std::atomic<bool>& cancel) {
  JADE_ASSIGN_OR_RETURN(const dense::IndexKind kind, dense::IndexKindOf(request.kind));
  JADE_ASSIGN_OR_RETURN(const auto encoder, LoadEncoder(request.model));
  JADE_ASSIGN_OR_RETURN(const auto index, retrieve::Index::Open(request.index));
  const std::string path = dense::VectorsPath(request.index);
  JADE_ASSIGN_OR_RETURN(const auto built,
                        dense::BuildVectors(*index, path, *encoder, {.kind = kind}, progress, cancel));
  return VectorsSummary{path, built.vectors, built.bytes, built.texts_per_second};
}

std::string ModelOfVectors(const std::string& index) {
  auto header = dense::VectorFile::ReadHeader(dense::VectorsPath(index));
  return header.ok() ? header->encoder.model : std::string();
}

Result<std::unique_ptr<retrieve::Searcher>> OpenSearcher(const SearcherRequest& request) {
  JADE_ASSIGN_OR_RETURN(auto index, retrieve::Index::Open(request.index));
  const std::string path = dense::VectorsPath(request.index);
  std::string model = request.model;
  if (model.empty()) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored)) return dense::NoVectors(path, "MODEL");
    JADE_ASSIGN_OR_RETURN(const auto header, dense::VectorFile::ReadHeader(path));
    model = header.encoder.model;
  }
  JADE_ASSIGN_OR_RETURN(auto encoder, LoadEncoder(model));
  return dense::OpenSearcher(std::move(index), path, std::move(encoder),
                             request.hybrid ? dense::SearchMode::kHybrid : dense::SearchMode::kDense);
}

}  // namespace jade::cli
