#include "cli/line/history_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

namespace jade::line {
namespace {

class HistoryFileTest : public ::testing::Test {
 protected:
  HistoryFileTest() : folder_(std::filesystem::path(testing::TempDir()) / "history_file_test") {
    std::filesystem::remove_all(folder_);
  }
  std::string Path() const { return (folder_ / "state" / "history").string(); }
  std::filesystem::path folder_;
};

TEST_F(HistoryFileTest, KeepsWhatWasTyped) {
  const HistoryFile file(Path());
  EXPECT_TRUE(file.Load().empty());
  file.Add("1 + 2");
  file.Add("workflow W() -> Text {\n  \"a\\n\"\n}");
  EXPECT_THAT(HistoryFile(Path()).Load(), ::testing::ElementsAre("1 + 2", "workflow W() -> Text {\n  \"a\\n\"\n}"));
  const auto permissions = std::filesystem::status(Path()).permissions();
  EXPECT_EQ(permissions & std::filesystem::perms::group_read, std::filesystem::perms::none);
}

TEST_F(HistoryFileTest, IsBounded) {
  const HistoryFile file(Path());
  for (size_t i = 0; i <= 2 * HistoryFile::kEntries; ++i) file.Add(std::to_string(i));
  const auto size = std::filesystem::file_size(Path());
  const auto entries = file.Load();
  EXPECT_EQ(entries.size(), HistoryFile::kEntries);
  EXPECT_EQ(entries.back(), std::to_string(2 * HistoryFile::kEntries));
  EXPECT_LT(std::filesystem::file_size(Path()), size);
  EXPECT_EQ(file.Load(), entries);
}

TEST_F(HistoryFileTest, APlaceThatCannotBeWrittenIsNoError) {
  HistoryFile("/proc/no/such").Add("x");
  HistoryFile("").Add("x");
  EXPECT_TRUE(HistoryFile("").Load().empty());
}

}  // namespace
}  // namespace jade::line
