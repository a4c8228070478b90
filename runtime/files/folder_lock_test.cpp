#include "runtime/files/folder_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace jade::files {
namespace {

class FolderLockTest : public testing::Test {
 protected:
  FolderLockTest() : folder_(testing::TempDir() + "folder_lock_" + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~FolderLockTest() override { std::filesystem::remove_all(folder_); }
  const std::string folder_;
};

TEST_F(FolderLockTest, IsHeldByOneAtATimeAndNamesItsHolder) {
  Result<FolderLock> first = FolderLock::Take(folder_);
  ASSERT_TRUE(first.ok());
  const Result<FolderLock> second = FolderLock::Take(folder_);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message(), testing::HasSubstr("process " + std::to_string(getpid())));
}

TEST_F(FolderLockTest, IsFreeWhenItsHolderIsGone) {
  { ASSERT_TRUE(FolderLock::Take(folder_).ok()); }
  Result<FolderLock> held = FolderLock::Take(folder_);
  ASSERT_TRUE(held.ok());
  const FolderLock moved = std::move(held).value();
  EXPECT_FALSE(FolderLock::Take(folder_).ok());
}

TEST_F(FolderLockTest, AMissingFolderIsAnError) {
  const Result<FolderLock> lock = FolderLock::Take(folder_ + "/none");
  ASSERT_FALSE(lock.ok());
  EXPECT_EQ(lock.error().code(), ErrorCode::kIo);
}

}  // namespace
}  // namespace jade::files
