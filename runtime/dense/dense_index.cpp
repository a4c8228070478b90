#include "runtime/dense/dense_index.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <numeric>

namespace jade::dense {
namespace {

// Enough that texts of about one length are found to be encoded together, few enough that Ctrl-C is soon obeyed.
constexpr int64_t kPassagesAtOnce = 64;

Result<std::vector<std::string>> Texts(retrieve::Index& index, int64_t first, int64_t count) {
  std::vector<int64_t> rows(static_cast<size_t>(count));
  std::iota(rows.begin(), rows.end(), first);
  JADE_ASSIGN_OR_RETURN(auto passages, index.AtRows(rows));
  std::vector<std::string> texts;
  texts.reserve(passages.size());
  for (retrieve::Passage& passage : passages) {
    texts.push_back(passage.title.empty() ? std::move(passage.text) : passage.title + '\n' + passage.text);
  }
  return texts;
}

Status EncodeAll(retrieve::Index& index, TextEncoder& encoder, VectorIndexBuilder& builder, progress::Sink& progress,
                 const std::atomic<bool>& cancel) {
  const auto total = static_cast<int64_t>(index.passages());
  for (int64_t first = 0; first < total; first += kPassagesAtOnce) {
    if (cancel.load(std::memory_order_relaxed)) return Error(ErrorCode::kCancelled, "interrupted");
    JADE_ASSIGN_OR_RETURN(const auto texts, Texts(index, first, std::min(kPassagesAtOnce, total - first)));
    JADE_ASSIGN_OR_RETURN(const auto vectors, encoder.Encode(texts, TextKind::kPassage));
    JADE_TRY(builder.Add(vectors));
    progress.Update(static_cast<uint64_t>(builder.count()), {});
  }
  return {};
}

Result<BuildSummary> Build(retrieve::Index& index, const std::string& path, TextEncoder& encoder,
                           const IndexShape& shape, progress::Sink& progress, const std::atomic<bool>& cancel) {
  if (index.corpus_hash().empty()) {
    return Error(ErrorCode::kVersion, "the index is of an older JADE and does not name its corpus: build it again");
  }
  IndexShape sized = shape;
  sized.dimension = encoder.identity().dimension;
  JADE_ASSIGN_OR_RETURN(const auto builder, VectorIndexBuilder::Create(sized));
  const auto started = std::chrono::steady_clock::now();
  progress.Begin({.name = "encoding", .unit = "texts", .total = index.passages()});
  Status encoded = EncodeAll(index, encoder, *builder, progress, cancel);
  progress.End();
  JADE_TRY(std::move(encoded));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  JADE_TRY(builder->Finish(cancel));
  const VectorFileHeader header{
      .kind = shape.kind, .count = builder->count(), .corpus_hash = index.corpus_hash(), .encoder = encoder.identity()};
  JADE_TRY(WriteVectorFile(path, header, [&builder](const ByteSink& sink) { return builder->Write(sink); }));
  std::error_code ignored;
  return BuildSummary{.vectors = builder->count(),
                      .bytes = std::filesystem::file_size(path, ignored),
                      .texts_per_second = static_cast<double>(builder->count()) / seconds};
}

Result<DenseIndex> Open(const retrieve::Index& index, const std::string& path, const EncoderIdentity& encoder) {
  JADE_ASSIGN_OR_RETURN(const VectorFileHeader header, VectorFile::ReadHeader(path));
  const std::string& built_with = header.encoder.model;
  if (header.corpus_hash != index.corpus_hash() || header.count != static_cast<int64_t>(index.passages())) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("they were built from another corpus than the index beside them: build both again with "
                             "`jade index build CORPUS.jsonl -o INDEX --dense {}`",
                             built_with));
  }
  if (const std::string difference = Difference(encoder, header.encoder); !difference.empty()) {
    return Error(ErrorCode::kInvalidArgument,
                 fmt::format("they were built with the encoder `{}`, and `{}` is another: {}. Search with the former, "
                             "or build them again",
                             built_with, encoder.model, difference));
  }
  JADE_ASSIGN_OR_RETURN(const VectorFile file, VectorFile::Open(path));
  JADE_ASSIGN_OR_RETURN(auto vectors, VectorIndex::FromFile(file));
  return DenseIndex{file.header(), std::move(vectors)};
}

}  // namespace

std::string VectorsPath(const std::string& index_path) {
  return index_path + ".vectors";
}

Result<BuildSummary> BuildVectors(retrieve::Index& index, const std::string& path, TextEncoder& encoder,
                                  const IndexShape& shape, progress::Sink& progress, const std::atomic<bool>& cancel) {
  auto built = Build(index, path, encoder, shape, progress, cancel);
  if (!built.ok()) return std::move(built).error().Wrap(fmt::format("building vectors `{}`", path));
  return built;
}

Error NoVectors(const std::string& path, const std::string& model) {
  return Error(ErrorCode::kNotFound, fmt::format("there are no vectors at `{}`; build them with `jade index build "
                                                 "CORPUS.jsonl -o INDEX --dense {}`",
                                                 path, model));
}

Result<DenseIndex> OpenVectors(const retrieve::Index& index, const std::string& path, const EncoderIdentity& encoder) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return NoVectors(path, encoder.model);
  auto opened = Open(index, path, encoder);
  if (!opened.ok()) return std::move(opened).error().Wrap(fmt::format("opening vectors `{}`", path));
  return opened;
}

}  // namespace jade::dense
