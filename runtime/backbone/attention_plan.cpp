#include "runtime/backbone/attention_plan.h"

#include <algorithm>
#include <cstring>

namespace jade::backbone {
namespace {

using kernels::kKeyChunk;

constexpr int64_t kBlocksInChunk = kKeyChunk / kKvBlockTokens;
constexpr size_t kMostLevels = 4;

struct Row {
  int32_t row;
  int32_t limit;
};

class Planner {
 public:
  Planner(int64_t group, int64_t tile_queries)
      : group_(static_cast<int32_t>(group)), tile_queries_(static_cast<int32_t>(tile_queries)) {}

  void AddPrefill(const PlannedSegment& segment) {
    std::vector<Row> rows;
    for (int32_t r = 0; r < segment.rows; ++r) {
      rows.push_back({segment.first_row + r, static_cast<int32_t>(segment.first_position) + r + 1});
    }
    Emit(rows, segment.blocks.data(), 0, -1, 0);
  }

  // Rows of sequences with the same blocks up to `chunk`; each is the only row of its sequence.
  void AddDecoding(std::vector<const PlannedSegment*> segments, int64_t chunk, size_t level) {
    if (level + 1 < kMostLevels) {
      // Sequences whose next whole chunk is the same come together.
      std::stable_sort(segments.begin(), segments.end(),
                       [&](const auto* a, const auto* b) { return Compare(*a, *b, chunk) < 0; });
      for (size_t begin = 0, end = 0; begin < segments.size(); begin = end) {
        for (end = begin + 1; end < segments.size() && Shares(*segments[begin], *segments[end], chunk);) ++end;
        AddGroup({segments.begin() + static_cast<std::ptrdiff_t>(begin),
                  segments.begin() + static_cast<std::ptrdiff_t>(end)},
                 chunk, level);
      }
      return;
    }
    for (const PlannedSegment* segment : segments) AddGroup({segment}, chunk, level);
  }

  AttentionPlan Finish() {
    for (auto& level : plan_.levels) {
      std::stable_sort(level.begin(), level.end(),
                       [](const PlannedTile& a, const PlannedTile& b) { return a.cost() > b.cost(); });
    }
    return std::move(plan_);
  }

 private:
  // Chunks that are whole and lie before the row itself, which is written in this step.
  static int64_t WholeChunks(const PlannedSegment& s) { return s.first_position / kKeyChunk; }
  static const BlockId* ChunkOf(const PlannedSegment& s, int64_t chunk) {
    return s.blocks.data() + chunk * kBlocksInChunk;
  }
  static bool Shares(const PlannedSegment& a, const PlannedSegment& b, int64_t chunk) {
    return chunk < WholeChunks(a) && chunk < WholeChunks(b) &&
           std::equal(ChunkOf(a, chunk), ChunkOf(a, chunk) + kBlocksInChunk, ChunkOf(b, chunk));
  }
  static int Compare(const PlannedSegment& a, const PlannedSegment& b, int64_t chunk) {
    const bool has_a = chunk < WholeChunks(a), has_b = chunk < WholeChunks(b);
    if (!has_a || !has_b) return static_cast<int>(has_a) - static_cast<int>(has_b);
    for (int64_t i = 0; i < kBlocksInChunk; ++i) {
      const BlockId x = ChunkOf(a, chunk)[i], y = ChunkOf(b, chunk)[i];
      if (x != y) return x < y ? -1 : 1;
    }
    return 0;
  }

  void AddGroup(const std::vector<const PlannedSegment*>& group, int64_t chunk, size_t level) {
    std::vector<Row> rows;
    for (const PlannedSegment* s : group) {
      rows.push_back({s->first_row, static_cast<int32_t>(s->first_position) + 1});
    }
    if (group.size() == 1) return Emit(rows, group[0]->blocks.data(), chunk, -1, level);
    int64_t end = chunk + 1;
    const auto all_share = [&](int64_t c) {
      return std::all_of(group.begin() + 1, group.end(), [&](const auto* s) { return Shares(*group[0], *s, c); });
    };
    while (all_share(end)) ++end;
    Emit(rows, group[0]->blocks.data(), chunk, end, level);
    AddDecoding(group, end, level + 1);
  }

  // Tiles over the chunks [first, last) of the rows; last -1: to each tile's end.
  void Emit(const std::vector<Row>& rows, const BlockId* blocks, int64_t first, int64_t last, size_t level) {
    if (plan_.levels.size() <= level) plan_.levels.resize(level + 1);
    const auto total = static_cast<int32_t>(rows.size()) * group_;
    const int32_t tiles = (total + tile_queries_ - 1) / tile_queries_;
    for (int32_t t = 0; t < tiles; ++t) {
      PlannedTile tile;
      int32_t limit = 0;
      for (int32_t i = t * total / tiles; i < (t + 1) * total / tiles; ++i) {
        const Row& row = rows[static_cast<size_t>(i / group_)];
        tile.row[tile.rows] = row.row;
        tile.member[tile.rows] = i % group_;
        tile.limit[tile.rows++] = row.limit;
        limit = std::max(limit, row.limit);
      }
      tile.blocks = blocks;
      tile.first_chunk = static_cast<int32_t>(first);
      tile.last_chunk = static_cast<int32_t>(last >= 0 ? last : (limit + kKeyChunk - 1) / kKeyChunk);
      tile.begins = first == 0;
      tile.ends = last < 0;
      plan_.levels[level].push_back(tile);
    }
  }

  int32_t group_, tile_queries_;
  AttentionPlan plan_;
};

}  // namespace

AttentionPlan PlanAttention(std::span<const PlannedSegment> segments, int64_t group, int64_t tile_queries) {
  Planner planner(group, tile_queries);
  std::vector<const PlannedSegment*> decoding;
  for (const PlannedSegment& segment : segments) {
    if (segment.rows == 1) {
      decoding.push_back(&segment);
    } else if (segment.rows > 1) {
      planner.AddPrefill(segment);
    }
  }
  planner.AddDecoding(std::move(decoding), 0, 0);
  return planner.Finish();
}

}  // namespace jade::backbone
