#include "runtime/assets/assets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace jade::assets {
namespace {

TEST(AssetsTest, LooksInTheEnvironmentFirst) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "assets_test";
  std::filesystem::create_directories(folder / "models" / "tiny");
  setenv("JADE_DATA", folder.c_str(), 1);
  setenv("XDG_CACHE_HOME", folder.c_str(), 1);
  EXPECT_EQ(FindShipped("models/tiny").value(), (folder / "models" / "tiny").string());
  EXPECT_EQ(FindModel("tiny").value(), (folder / "models" / "tiny").string());
  std::filesystem::create_directories(folder / "jade" / "models" / "fetched");
  EXPECT_EQ(FindModel("fetched").value(), (folder / "jade" / "models" / "fetched").string());
  unsetenv("JADE_DATA");
  EXPECT_TRUE(FindShipped("data/atlas").ok());  // the source tree
  EXPECT_THAT(FindModel("no-such").error().message(), testing::HasSubstr("`jade pull no-such`"));
  EXPECT_EQ(FindModel("").error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace jade::assets
