// The approximate kinds against the exact one, on random vectors in clusters.
#include "runtime/dense/vector_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <set>

namespace jade::dense {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kDimension = 32;
constexpr int64_t kClusters = 40;

// Unit vectors around random centres, the same for a seed.
std::vector<float> Clustered(int64_t count, uint32_t seed) {
  std::mt19937 centres_rng(7);
  std::mt19937 rng(seed);
  std::normal_distribution<float> normal;
  std::vector<float> centres(kClusters * kDimension);
  for (float& value : centres) value = normal(centres_rng);
  std::vector<float> vectors;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t cluster = static_cast<int64_t>(rng() % kClusters);
    std::vector<float> row;
    float square = 0;
    for (int64_t d = 0; d < kDimension; ++d) {
      row.push_back(centres[static_cast<size_t>(cluster * kDimension + d)] + 0.6F * normal(rng));
      square += row.back() * row.back();
    }
    for (const float value : row) vectors.push_back(value / std::sqrt(square));
  }
  return vectors;
}

class VectorIndexTest : public testing::TestWithParam<IndexKind> {
 protected:
  void SetUp() override {
    std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
    for (char& c : name) c = c == '/' ? '_' : c;
    folder_ = fs::path(testing::TempDir()) / ("vector_index_" + name);
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  // Adds in slices, writes, and reads what was written.
  std::unique_ptr<VectorIndex> Build(IndexShape shape, const std::vector<float>& vectors, const char* name = "v") {
    shape.dimension = kDimension;
    auto builder = VectorIndexBuilder::Create(shape).value();
    constexpr size_t kSlice = 300 * kDimension;
    for (size_t i = 0; i < vectors.size(); i += kSlice) {
      EXPECT_TRUE(builder->Add(std::span(vectors).subspan(i, std::min(kSlice, vectors.size() - i))).ok());
    }
    const std::atomic<bool> go_on{false};
    EXPECT_TRUE(builder->Finish(go_on).ok());
    VectorFileHeader header{.kind = shape.kind, .count = builder->count(), .corpus_hash = "c", .encoder = {}};
    header.encoder.dimension = kDimension;
    const std::string path = (folder_ / name).string();
    EXPECT_TRUE(WriteVectorFile(path, header, [&](const ByteSink& sink) { return builder->Write(sink); }).ok());
    const auto file = VectorFile::Open(path);
    EXPECT_TRUE(file.ok());
    auto index = VectorIndex::FromFile(*file);
    EXPECT_TRUE(index.ok()) << index.error().ToString();
    return std::move(index).value();
  }

  std::string Contents(const char* name) const {
    std::ifstream in(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  // The part of the true `k` nearest that are found.
  static double Recall(VectorIndex& index, VectorIndex& exact, const std::vector<float>& queries, int k) {
    const auto found = index.Search(queries, k).value();
    const auto truth = exact.Search(queries, k).value();
    size_t hits = 0, all = 0;
    for (size_t q = 0; q < truth.size(); ++q) {
      std::set<int64_t> rows;
      for (const VectorHit& hit : found[q]) rows.insert(hit.row);
      for (const VectorHit& hit : truth[q]) hits += rows.count(hit.row);
      all += truth[q].size();
    }
    return static_cast<double>(hits) / static_cast<double>(all);
  }

  fs::path folder_;
};

TEST_F(VectorIndexTest, FlatIsExact) {
  const auto vectors = Clustered(500, 1);
  const auto queries = Clustered(30, 2);
  const auto index = Build({.kind = IndexKind::kFlat}, vectors);
  const auto found = index->Search(queries, 7).value();
  ASSERT_EQ(found.size(), 30U);
  for (size_t q = 0; q < found.size(); ++q) {
    std::vector<std::pair<float, int64_t>> all;
    for (int64_t row = 0; row < 500; ++row) {
      float product = 0;
      for (size_t d = 0; d < kDimension; ++d) {
        product += queries[q * kDimension + d] * vectors[static_cast<size_t>(row) * kDimension + d];
      }
      all.emplace_back(-product, row);
    }
    std::sort(all.begin(), all.end());
    ASSERT_EQ(found[q].size(), 7U);
    for (size_t i = 0; i < 7; ++i) {
      EXPECT_EQ(found[q][i].row, all[i].second);
      EXPECT_NEAR(found[q][i].score, -all[i].first, 1e-5);
    }
  }
  EXPECT_EQ(index->Search(std::span(queries).first(kDimension), 10'000).value()[0].size(), 500U);
  EXPECT_TRUE(index->Search(std::span(queries).first(kDimension), 0).value()[0].empty());
  EXPECT_TRUE(index->Search({}, 5).value().empty());
}

TEST_P(VectorIndexTest, FindsNearlyAll) {
  const auto vectors = Clustered(4'000, 1);
  const auto queries = Clustered(200, 2);
  const auto exact = Build({.kind = IndexKind::kFlat}, vectors, "exact");
  const auto index = Build({.kind = GetParam()}, vectors);
  EXPECT_GE(Recall(*index, *exact, queries, 10), 0.95);
  EXPECT_GE(Recall(*index, *exact, vectors, 1), 0.98);  // each vector finds itself
  // With less to look at, less is found: what is measured is the index and not the data.
  const auto hasty = Build({.kind = GetParam(), .probes = 1, .links = 4, .build_width = 4, .search_width = 1}, vectors);
  EXPECT_LT(Recall(*hasty, *exact, queries, 10), 0.9);
}

TEST_P(VectorIndexTest, EqualVectorsGiveAnEqualFile) {
  const auto vectors = Clustered(1'000, 3);
  Build({.kind = GetParam()}, vectors, "one");
  Build({.kind = GetParam()}, vectors, "two");
  EXPECT_EQ(Contents("one"), Contents("two"));
}

TEST_P(VectorIndexTest, AFewVectorsAreEnough) {
  for (const int64_t count : {1, 2, 5}) {
    const auto index = Build({.kind = GetParam()}, Clustered(count, 1));
    EXPECT_EQ(index->Search(Clustered(1, 2), 10).value()[0].size(), static_cast<size_t>(count));
  }
}

TEST_P(VectorIndexTest, APayloadThatIsNotWhatTheHeaderSaysIsRefused) {
  Build({.kind = GetParam()}, Clustered(50, 1), "good");
  const VectorFile good = VectorFile::Open((folder_ / "good").string()).value();
  const auto refused = [&](const VectorFileHeader& header, std::span<const std::byte> payload) {
    const std::string path = (folder_ / "bad").string();
    EXPECT_TRUE(WriteVectorFile(path, header, [&](const ByteSink& sink) { return sink(payload); }).ok());
    const auto index = VectorIndex::FromFile(VectorFile::Open(path).value());
    return !index.ok() && index.error().code() == ErrorCode::kCorrupt;
  };
  EXPECT_FALSE(refused(good.header(), good.payload()));
  VectorFileHeader header = good.header();
  header.count = 51;
  EXPECT_TRUE(refused(header, good.payload()));
  header = good.header();
  header.encoder.dimension = kDimension / 2;
  EXPECT_TRUE(refused(header, good.payload()));
  header = good.header();
  header.kind = GetParam() == IndexKind::kHnsw ? IndexKind::kIvf : IndexKind::kHnsw;
  EXPECT_TRUE(refused(header, good.payload()));
  for (size_t length = 0; length < good.payload().size(); length += 1 + good.payload().size() / 50) {
    EXPECT_TRUE(refused(good.header(), good.payload().first(length))) << length;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, VectorIndexTest, testing::Values(IndexKind::kIvf, IndexKind::kHnsw),
                         [](const auto& info) { return std::string(IndexKindName(info.param)); });

TEST(VectorIndexBuilderTest, TrainingCanBeInterrupted) {
  auto builder = VectorIndexBuilder::Create({.kind = IndexKind::kIvf, .dimension = kDimension}).value();
  ASSERT_TRUE(builder->Add(Clustered(2'000, 1)).ok());
  const std::atomic<bool> cancel{true};
  EXPECT_EQ(builder->Finish(cancel).error().code(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace jade::dense
