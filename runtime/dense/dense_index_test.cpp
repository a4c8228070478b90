#include "runtime/dense/dense_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/dense/dense_searcher.h"
#include "runtime/dense/toy_encoder.h"

namespace jade::dense {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

#ifdef JADE_HAS_FAISS

constexpr char kCorpus[] = R"({"id":"1","title":"Oslo","text":"Oslo is the capital of Norway."}
{"id":"2","title":"Zzz","text":"zzzzz zzzz zz jazz"}
{"id":"3","title":"Dune","text":"Dune is a novel by Frank Herbert."}
{"id":"4","title":"Norway","text":"Norway is a country in Europe whose kings lived in Oslo."}
)";

class DenseIndexTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              ("dense_index_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    BuildIndex(kCorpus);
  }
  void BuildIndex(const std::string& corpus) {
    std::ofstream(folder_ / "corpus.jsonl") << corpus;
    ASSERT_TRUE(retrieve::BuildIndex((folder_ / "corpus.jsonl").string(), IndexPath(), sink_, cancel_).ok());
  }
  std::string IndexPath() const { return (folder_ / "corpus.db").string(); }
  std::string Vectors() const { return VectorsPath(IndexPath()); }
  std::unique_ptr<retrieve::Index> OpenIndex() const { return retrieve::Index::Open(IndexPath()).value(); }
  Result<BuildSummary> Build(IndexKind kind = IndexKind::kFlat) {
    return BuildVectors(*OpenIndex(), Vectors(), encoder_, {.kind = kind}, sink_, cancel_);
  }
  Result<std::unique_ptr<retrieve::Searcher>> Open(SearchMode mode, const std::string& hash = "toy") const {
    return OpenSearcher(OpenIndex(), Vectors(), std::make_unique<ToyEncoder>(hash), mode);
  }
  std::string Complaint(const std::string& hash = "toy") const {
    const auto searcher = Open(SearchMode::kDense, hash);
    return searcher.ok() ? "none" : searcher.error().ToString();
  }
  fs::path folder_;
  progress::SilentSink sink_;
  std::atomic<bool> cancel_{false};
  ToyEncoder encoder_;
};

TEST_F(DenseIndexTest, FindsWhatIsNear) {
  EXPECT_EQ(VectorsPath("a.db"), "a.db.vectors");
  for (const IndexKind kind : {IndexKind::kFlat, IndexKind::kIvf, IndexKind::kHnsw}) {
    const auto summary = Build(kind);
    ASSERT_TRUE(summary.ok()) << summary.error().ToString();
    EXPECT_EQ(summary->vectors, 4);
    EXPECT_EQ(summary->bytes, fs::file_size(Vectors()));
    auto searcher = Open(SearchMode::kDense).value();
    const std::vector<retrieve::Query> queries = {{"zz zz", 1}, {"a novel dune by frank herbert", 2}, {"x", 0}};
    const auto found = searcher->Search(queries).value();
    ASSERT_EQ(found.size(), 3U);
    ASSERT_EQ(found[0].size(), 1U);
    EXPECT_EQ(found[0][0].id, "2");
    EXPECT_EQ(found[0][0].text, "zzzzz zzzz zz jazz");
    EXPECT_GT(found[0][0].score, 0.9);
    ASSERT_EQ(found[1].size(), 2U);
    EXPECT_EQ(found[1][0].id, "3");
    EXPECT_GE(found[1][0].score, found[1][1].score);
    EXPECT_TRUE(found[2].empty());
    EXPECT_EQ(searcher->Describe(), fmt::format("dense (4 passages, toy, {})", IndexKindName(kind)));
  }
}

// "jazz" stands in passage 2 alone, whose letters are also the nearest: it is first in both rankings. "oslo" is first
// for the words, and what else is found comes from the letters.
TEST_F(DenseIndexTest, HybridSearchFusesWordsAndVectors) {
  ASSERT_TRUE(Build().ok());
  auto searcher = Open(SearchMode::kHybrid).value();
  const std::vector<retrieve::Query> queries = {{"jazz", 4}, {"oslo", 4}, {"...", 2}};
  const auto found = searcher->Search(queries).value();
  ASSERT_EQ(found[0].size(), 4U);
  EXPECT_EQ(found[0][0].id, "2");
  EXPECT_NEAR(found[0][0].score, 2.0 / 61.0, 1e-12);
  EXPECT_NEAR(found[0][1].score, 1.0 / 62.0, 1e-12);
  ASSERT_EQ(found[1].size(), 4U);
  EXPECT_EQ(found[1][0].id, "1");
  EXPECT_EQ(found[2].size(), 2U);  // no word to look for
  EXPECT_EQ(searcher->Describe(), "hybrid (4 passages, toy, flat)");
}

TEST_F(DenseIndexTest, QueriesOfOneSearchAreOneBatch) {
  ASSERT_TRUE(Build().ok());
  auto owned = std::make_unique<ToyEncoder>();
  const ToyEncoder& encoder = *owned;
  auto searcher = OpenSearcher(OpenIndex(), Vectors(), std::move(owned), SearchMode::kHybrid).value();
  const std::vector<retrieve::Query> queries(20, {"oslo", 2});
  ASSERT_TRUE(searcher->Search(queries).ok());
  EXPECT_EQ(encoder.calls(), 1);
}

TEST_F(DenseIndexTest, AnotherEncoderOrCorpusIsRefused) {
  EXPECT_THAT(Complaint(), HasSubstr("there are no vectors at"));
  EXPECT_THAT(Complaint(), HasSubstr("--dense toy"));
  ASSERT_TRUE(Build().ok());
  EXPECT_EQ(Complaint(), "none");
  EXPECT_THAT(Complaint("other"),
              HasSubstr("built with the encoder `toy`, and `toy` is another: its weights are other"));
  BuildIndex(R"({"id":"1","title":"Oslo","text":"Oslo is the capital of Norway!"})");
  EXPECT_THAT(Complaint(), HasSubstr("built from another corpus than the index beside them"));
  BuildIndex(kCorpus);
  EXPECT_EQ(Complaint(), "none");
}

TEST_F(DenseIndexTest, DamageIsSeen) {
  ASSERT_TRUE(Build(IndexKind::kHnsw).ok());
  const auto size = fs::file_size(Vectors());
  {
    std::fstream file(Vectors(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file.put('\x7f');
  }
  EXPECT_THAT(Complaint(), HasSubstr("its checksum is wrong"));
  fs::resize_file(Vectors(), size / 2);
  EXPECT_THAT(Complaint(), HasSubstr("its checksum is wrong"));
  fs::resize_file(Vectors(), 10);
  EXPECT_THAT(Complaint(), HasSubstr("it is cut short"));
  std::ofstream(Vectors()) << "something else";
  EXPECT_THAT(Complaint(), HasSubstr("not a file of vectors that JADE built"));
}

TEST_F(DenseIndexTest, AnInterruptedBuildLeavesTheOldVectors) {
  ASSERT_TRUE(Build().ok());
  cancel_ = true;
  EXPECT_EQ(Build(IndexKind::kHnsw).error().code(), ErrorCode::kCancelled);
  EXPECT_EQ(VectorFile::ReadHeader(Vectors())->kind, IndexKind::kFlat);
  EXPECT_EQ(Complaint(), "none");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 3);
}

#else

TEST(DenseIndexTest, WithoutFaissItSaysSo) {
  const auto builder = VectorIndexBuilder::Create({.kind = IndexKind::kFlat, .dimension = 4});
  EXPECT_THAT(builder.error().ToString(), HasSubstr("configure with -DJADE_FAISS=ON"));
}

#endif

}  // namespace
}  // namespace jade::dense
