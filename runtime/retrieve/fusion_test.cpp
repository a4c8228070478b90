#include "runtime/retrieve/fusion.h"

#include <gtest/gtest.h>

namespace jade::retrieve {
namespace {

// Worked by hand: 1/61 = 0.016393, 1/62 = 0.016129, 1/63 = 0.015873.
TEST(FusionTest, SumsReciprocalRanks) {
  const std::vector<std::vector<int64_t>> rankings = {{7, 3, 9}, {3, 5, 7}};
  const auto fused = FuseRankings(rankings, 10);
  ASSERT_EQ(fused.size(), 4U);
  EXPECT_EQ(fused[0].row, 3);
  EXPECT_NEAR(fused[0].score, 1.0 / 62 + 1.0 / 61, 1e-12);
  EXPECT_NEAR(fused[0].score, 0.0325225, 1e-7);
  EXPECT_EQ(fused[1].row, 7);
  EXPECT_NEAR(fused[1].score, 0.0322665, 1e-7);
  EXPECT_EQ(fused[2].row, 5);  // second in one
  EXPECT_NEAR(fused[2].score, 0.0161290, 1e-7);
  EXPECT_EQ(fused[3].row, 9);  // third in one
  EXPECT_NEAR(fused[3].score, 0.0158730, 1e-7);
}

TEST(FusionTest, TiesGoByRowAndKCuts) {
  const std::vector<std::vector<int64_t>> rankings = {{8, 2}, {2, 8}, {4}};
  const auto fused = FuseRankings(rankings, 2);
  ASSERT_EQ(fused.size(), 2U);
  EXPECT_EQ(fused[0].row, 2);
  EXPECT_EQ(fused[1].row, 8);
  EXPECT_DOUBLE_EQ(fused[0].score, fused[1].score);
  EXPECT_TRUE(FuseRankings(rankings, 0).empty());
  EXPECT_TRUE(FuseRankings(rankings, -1).empty());
  EXPECT_TRUE(FuseRankings({}, 5).empty());
}

}  // namespace
}  // namespace jade::retrieve
