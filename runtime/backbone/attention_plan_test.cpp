#include "runtime/backbone/attention_plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

namespace jade::backbone {
namespace {

using Blocks = std::vector<BlockId>;

PlannedSegment Decoding(const Blocks& blocks, int32_t row, int64_t position) {
  return {blocks, row, 1, position};
}

// Every (row, member) goes through all of its chunks once, in ascending order over the levels, on its own blocks.
void ExpectWhole(const AttentionPlan& plan, const std::vector<PlannedSegment>& segments, int32_t group) {
  std::map<std::pair<int32_t, int32_t>, int32_t> reached;
  std::set<std::pair<int32_t, int32_t>> ended;
  for (const auto& level : plan.levels) {
    std::map<std::pair<int32_t, int32_t>, int32_t> before = reached;
    for (const PlannedTile& tile : level) {
      ASSERT_GT(tile.rows, 0);
      for (int32_t r = 0; r < tile.rows; ++r) {
        const std::pair key(tile.row[r], tile.member[r]);
        ASSERT_EQ(tile.first_chunk, before[key]);
        ASSERT_EQ(tile.begins, tile.first_chunk == 0);
        reached[key] = tile.last_chunk;
        if (tile.ends) {
          ASSERT_TRUE(ended.insert(key).second);
        }
        for (const PlannedSegment& s : segments) {
          if (tile.row[r] < s.first_row || tile.row[r] >= s.first_row + s.rows) continue;
          ASSERT_EQ(tile.limit[r], s.first_position + tile.row[r] - s.first_row + 1);
          const int64_t keys = std::min<int64_t>(tile.limit[r], tile.last_chunk * kernels::kKeyChunk);
          for (int64_t b = tile.first_chunk * 4; b * kKvBlockTokens < keys; ++b) {
            ASSERT_EQ(tile.blocks[b], s.blocks[static_cast<size_t>(b)]);
          }
        }
      }
    }
  }
  size_t rows = 0;
  for (const PlannedSegment& s : segments) {
    for (int32_t r = 0; r < s.rows; ++r, ++rows) {
      for (int32_t m = 0; m < group; ++m) {
        ASSERT_TRUE(ended.count({s.first_row + r, m}));
        const int64_t keys = s.first_position + r + 1, chunk = kernels::kKeyChunk;
        ASSERT_GE((reached[{s.first_row + r, m}]), (keys + chunk - 1) / chunk);
      }
    }
  }
  ASSERT_EQ(ended.size(), rows * static_cast<size_t>(group));
}

TEST(AttentionPlan, PutsRowsOfASharedPrefixIntoOneTile) {
  // 8 blocks (two chunks) in common for three, one chunk for the fourth; the fifth is alone.
  const Blocks a{1, 2, 3, 4, 5, 6, 7, 8, 20}, b{1, 2, 3, 4, 5, 6, 7, 8, 21}, c{1, 2, 3, 4, 5, 6, 7, 8, 22},
      d{1, 2, 3, 4, 9, 6, 7, 8, 23}, e{30};
  const std::vector<PlannedSegment> segments{Decoding(a, 0, 130), Decoding(b, 1, 140), Decoding(e, 2, 3),
                                             Decoding(c, 3, 128), Decoding(d, 4, 135)};
  const AttentionPlan plan = PlanAttention(segments, 1, kernels::kVectorTileQueries);
  ExpectWhole(plan, segments, 1);
  ASSERT_EQ(plan.levels.size(), 3u);
  std::vector<int32_t> shared;
  for (const auto& tile : plan.levels[0]) shared.push_back(tile.rows);
  EXPECT_EQ(shared, (std::vector<int32_t>{4, 1}));
  EXPECT_EQ(plan.levels[1].size(), 2u);  // three rows of the second chunk; the fourth goes on alone
  EXPECT_EQ(plan.levels[2].size(), 3u);
}

TEST(AttentionPlan, ABlockThatIsNotWholeIsNotShared) {
  const Blocks a{1, 2, 3, 4}, b{1, 2, 3, 4};
  const std::vector<PlannedSegment> segments{Decoding(a, 0, 63), Decoding(b, 1, 63)};
  const AttentionPlan plan = PlanAttention(segments, 3, kernels::kVectorTileQueries);
  ExpectWhole(plan, segments, 3);
  EXPECT_EQ(plan.levels.size(), 1u);
  EXPECT_EQ(plan.levels[0].size(), 2u);
}

TEST(AttentionPlan, CutsAPromptIntoTilesThatEndWhereTheirRowsEnd) {
  Blocks blocks;
  for (int i = 0; i < 20; ++i) blocks.push_back(i);
  const std::vector<PlannedSegment> segments{{blocks, 0, 100, 150}};
  for (const int64_t most : {kernels::kVectorTileQueries, kernels::kMostTileQueries}) {
    const AttentionPlan plan = PlanAttention(segments, 9, most);
    ExpectWhole(plan, segments, 9);
    int32_t rows = 0;
    for (const auto& tile : plan.levels.at(0)) {
      EXPECT_LE(tile.rows, most);
      rows += tile.rows;
    }
    EXPECT_EQ(rows, 900);
    EXPECT_EQ(plan.levels[0].size(), static_cast<size_t>((900 + most - 1) / most));
  }
}

TEST(AttentionPlan, StopsSharingAtSomeDepth) {
  // Each two sequences part a chunk later than the two before.
  std::vector<Blocks> all;
  for (int i = 0; i < 12; ++i) {
    Blocks blocks;
    for (int chunk = 0; chunk < 13; ++chunk) {
      for (int b = 0; b < 4; ++b) blocks.push_back(chunk < i ? chunk * 4 + b : 1000 * (i + 1) + chunk * 4 + b);
    }
    all.push_back(blocks);
  }
  std::vector<PlannedSegment> segments;
  for (int i = 0; i < 12; ++i) segments.push_back(Decoding(all[static_cast<size_t>(i)], i, 12 * 64 + i));
  const AttentionPlan plan = PlanAttention(segments, 2, kernels::kVectorTileQueries);
  ExpectWhole(plan, segments, 2);
  EXPECT_LE(plan.levels.size(), 4u);
}

TEST(AttentionPlan, OfNothingIsEmpty) {
  EXPECT_TRUE(PlanAttention({}, 3, kernels::kVectorTileQueries).levels.empty());
}

}  // namespace
}  // namespace jade::backbone
