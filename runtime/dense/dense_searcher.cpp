#include "runtime/dense/dense_searcher.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/retrieve/fusion.h"

namespace jade::dense {
namespace {

using retrieve::Passage;
using retrieve::Query;

constexpr int kFusionDepth = 100;

class DenseSearcher final : public retrieve::Searcher {
 public:
  DenseSearcher(std::unique_ptr<retrieve::Index> index, DenseIndex dense, std::unique_ptr<TextEncoder> encoder,
                SearchMode mode)
      : index_(std::move(index)), dense_(std::move(dense)), encoder_(std::move(encoder)), mode_(mode) {}

  Result<std::vector<std::vector<Passage>>> Search(std::span<const Query> queries) override {
    std::vector<std::string> texts;
    int most = mode_ == SearchMode::kHybrid ? kFusionDepth : 0;
    for (const Query& query : queries) {
      texts.push_back(query.text);
      most = std::max(most, query.k);
    }
    JADE_ASSIGN_OR_RETURN(const auto vectors, encoder_->Encode(texts, TextKind::kQuery));
    JADE_ASSIGN_OR_RETURN(const auto hits, dense_.vectors->Search(vectors, most));
    std::vector<std::vector<Passage>> found;
    for (size_t i = 0; i < queries.size(); ++i) {
      JADE_ASSIGN_OR_RETURN(const auto rows, Rank(queries[i], hits[i]));
      JADE_ASSIGN_OR_RETURN(auto passages, Fetch(rows));
      found.push_back(std::move(passages));
    }
    return found;
  }

  std::string Describe() const override {
    return fmt::format("{} ({} passages, {}, {})", mode_ == SearchMode::kHybrid ? "hybrid" : "dense",
                       index_->passages(), dense_.header.encoder.model, IndexKindName(dense_.header.kind));
  }

 private:
  Result<std::vector<retrieve::FusedRow>> Rank(const Query& query, const std::vector<VectorHit>& hits) {
    std::vector<retrieve::FusedRow> ranked;
    if (query.k <= 0) return ranked;
    if (mode_ == SearchMode::kDense) {
      for (const VectorHit& hit : hits) ranked.push_back({hit.row, hit.score});
      ranked.resize(std::min(ranked.size(), static_cast<size_t>(query.k)));
      return ranked;
    }
    const int depth = std::max(kFusionDepth, query.k);
    JADE_ASSIGN_OR_RETURN(const auto lexical, index_->Search(query.text, depth));
    std::vector<std::vector<int64_t>> rankings(2);
    for (const Passage& passage : lexical) rankings[0].push_back(passage.row);
    for (const VectorHit& hit : hits) rankings[1].push_back(hit.row);
    rankings[1].resize(std::min(rankings[1].size(), static_cast<size_t>(depth)));
    return retrieve::FuseRankings(rankings, query.k);
  }

  Result<std::vector<Passage>> Fetch(const std::vector<retrieve::FusedRow>& ranked) {
    std::vector<int64_t> rows;
    for (const auto& [row, score] : ranked) rows.push_back(row);
    JADE_ASSIGN_OR_RETURN(auto passages, index_->AtRows(rows));
    for (size_t i = 0; i < passages.size(); ++i) passages[i].score = ranked[i].score;
    return passages;
  }

  std::unique_ptr<retrieve::Index> index_;
  DenseIndex dense_;
  std::unique_ptr<TextEncoder> encoder_;
  SearchMode mode_;
};

}  // namespace

Result<std::unique_ptr<retrieve::Searcher>> OpenSearcher(std::unique_ptr<retrieve::Index> index,
                                                         const std::string& vectors_path,
                                                         std::unique_ptr<TextEncoder> encoder, SearchMode mode) {
  JADE_ASSIGN_OR_RETURN(auto dense, OpenVectors(*index, vectors_path, encoder->identity()));
  return std::unique_ptr<retrieve::Searcher>(
      std::make_unique<DenseSearcher>(std::move(index), std::move(dense), std::move(encoder), mode));
}

}  // namespace jade::dense
