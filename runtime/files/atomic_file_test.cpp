#include "runtime/files/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace jade::files {
namespace {

namespace fs = std::filesystem;

class AtomicFileTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const char* name) const { return (folder_ / name).string(); }
  static std::string Contents(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  size_t FileCount() const { return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {})); }

  fs::path folder_;
};

TEST_F(AtomicFileTest, ReplacesTheFileOnCommit) {
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "old").ok());
  auto file = AtomicFile::Create(Path("a"), 1 << 16);
  ASSERT_TRUE(file.ok()) << file.error().ToString();
  ASSERT_TRUE(file->Write("ne").ok());
  ASSERT_TRUE(file->Write("w").ok());
  EXPECT_EQ(Contents(Path("a")), "old");
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(Contents(Path("a")), "new");
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(AtomicFileTest, LeavesTheOldFileWithoutCommit) {
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "old").ok());
  {
    auto file = AtomicFile::Create(Path("a"));
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE(file->Write("half").ok());
  }
  EXPECT_EQ(Contents(Path("a")), "old");
  EXPECT_EQ(FileCount(), 1u);
}

TEST_F(AtomicFileTest, SaysWhyAFolderThatIsNotThereCannotBeWrittenTo) {
  const auto status = WriteFileAtomically(Path("none/a"), "x");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kIo);
  EXPECT_THAT(status.error().ToString(), testing::HasSubstr("none/a`: No such file or directory"));
}

// A file size limit stands in for a full disk: both fail in the middle of the write.
TEST_F(AtomicFileTest, LeavesTheOldFileWhenSpaceRunsOut) {
  ASSERT_TRUE(WriteFileAtomically(Path("a"), "old").ok());
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  auto* const old_handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 4096;
  setrlimit(RLIMIT_FSIZE, &small);
  const auto unreserved = WriteFileAtomically(Path("a"), std::string(10000, 'x'));
  const auto reserved = AtomicFile::Create(Path("a"), 10000);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);

  ASSERT_FALSE(unreserved.ok());
  EXPECT_THAT(unreserved.error().ToString(), testing::HasSubstr("File too large"));
  ASSERT_FALSE(reserved.ok());
  EXPECT_THAT(reserved.error().ToString(), testing::HasSubstr("reserving 10000 bytes"));
  EXPECT_EQ(Contents(Path("a")), "old");
  EXPECT_EQ(FileCount(), 1u);
}

}  // namespace
}  // namespace jade::files
