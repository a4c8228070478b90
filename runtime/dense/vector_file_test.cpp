#include "runtime/dense/vector_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace jade::dense {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class VectorFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    header_.kind = IndexKind::kHnsw;
    header_.count = 7;
    header_.corpus_hash = "corpus";
    header_.encoder = {.model = "m",
                       .hash = "h",
                       .pooling = "cls",
                       .query_prefix = "q: ",
                       .passage_prefix = "p: ",
                       .max_tokens = 256,
                       .dimension = 3};
    ASSERT_TRUE(Write("payload").ok());
  }
  Status Write(std::string_view payload) const {
    return WriteVectorFile(Path(), header_, [&](const ByteSink& sink) -> Status {
      JADE_TRY(sink(std::as_bytes(std::span(payload.substr(0, 3)))));
      return sink(std::as_bytes(std::span(payload.substr(3))));
    });
  }
  std::string Path() const { return (folder_ / "x.vectors").string(); }
  std::string Contents() const {
    std::ifstream in(Path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  Error Complaint(const std::string& contents) const {
    std::ofstream(Path(), std::ios::binary) << contents;
    const auto file = VectorFile::Open(Path());
    return file.ok() ? Error(ErrorCode::kInvalidArgument, "none") : file.error();
  }
  fs::path folder_;
  VectorFileHeader header_;
};

TEST_F(VectorFileTest, GivesBackWhatWasWritten) {
  const auto file = VectorFile::Open(Path());
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  EXPECT_EQ(file->header().kind, IndexKind::kHnsw);
  EXPECT_EQ(file->header().count, 7);
  EXPECT_EQ(file->header().corpus_hash, "corpus");
  EXPECT_EQ(file->header().encoder.model, "m");
  EXPECT_EQ(Difference(file->header().encoder, header_.encoder), "");
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(file->payload().data()), file->payload().size()), "payload");
  EXPECT_EQ(VectorFile::ReadHeader(Path())->encoder.query_prefix, "q: ");
}

TEST_F(VectorFileTest, NoDamageGoesUnseen) {
  const std::string good = Contents();
  for (size_t length = 0; length < good.size(); ++length) {
    ASSERT_EQ(Complaint(good.substr(0, length)).code(), ErrorCode::kCorrupt) << length << " bytes";
  }
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const Error complaint = Complaint(bad);
    ASSERT_NE(complaint.message(), "none") << "byte " << i;
  }
  EXPECT_EQ(Complaint(good).message(), "none");
  EXPECT_THAT(Complaint("SQLite format 3").ToString(), HasSubstr("not a file of vectors"));
  EXPECT_THAT(Complaint(good + "x").ToString(), HasSubstr("its checksum is wrong"));
}

TEST_F(VectorFileTest, AFailedWriteLeavesTheOldFile) {
  const std::string good = Contents();
  const Status failed = WriteVectorFile(Path(), header_, [](const ByteSink& sink) -> Status {
    JADE_TRY(sink(std::as_bytes(std::span(std::string_view("half")))));
    return Error(ErrorCode::kIo, "No space left on device");
  });
  EXPECT_EQ(failed.error().code(), ErrorCode::kIo);
  EXPECT_EQ(Contents(), good);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(VectorFileTest, NewerVersionsAreRefused) {
  std::string newer = Contents();
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":9");
  EXPECT_EQ(Complaint(newer).code(), ErrorCode::kVersion);
  EXPECT_EQ(VectorFile::Open((folder_ / "none").string()).error().code(), ErrorCode::kNotFound);
}

TEST(EncoderIdentityTest, DifferencesAreNamed) {
  const EncoderIdentity one{.model = "a",
                            .hash = "1",
                            .pooling = "mean",
                            .query_prefix = "q",
                            .passage_prefix = "p",
                            .max_tokens = 256,
                            .dimension = 384};
  EncoderIdentity other = one;
  other.model = "b";  // a name is no difference
  EXPECT_EQ(Difference(other, one), "");
  other.hash = "2";
  EXPECT_EQ(Difference(other, one), "its weights are 2, not 1");
  other.max_tokens = 128;
  EXPECT_EQ(Difference(other, one), "its texts are cut at 128 tokens, not at 256");
  other.query_prefix = "";
  EXPECT_EQ(Difference(other, one), "its prefixes are `` and `p`, not `q` and `p`");
  other.pooling = "cls";
  EXPECT_EQ(Difference(other, one), "its pooling is `cls`, not `mean`");
  other.dimension = 768;
  EXPECT_EQ(Difference(other, one), "its vectors have 768 dimensions, not 384");
}

}  // namespace
}  // namespace jade::dense
