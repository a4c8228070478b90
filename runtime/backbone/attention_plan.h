#pragma once
// Who attends to what in a step: the query rows of all segments cut into tiles for the attention kernel. Rows that read
// the same blocks are put into one tile, also of different sequences: a prefix that many calls share is read once for
// all of them ("cascade attention", Ye et al. 2024, https://flashinfer.ai/2024/02/02/cascade-inference.html). A row
// goes through its chunks in ascending order whatever tile it is in, so the plan does not change a result.
//
// The same for every layer and key head. Plain data.

#include <cstdint>
#include <span>
#include <vector>

#include "runtime/backbone/executor.h"
#include "runtime/kernels/serving_kernels.h"

namespace jade::backbone {

struct PlannedTile {
  int32_t rows = 0;
  int32_t row[kernels::kMostTileQueries] = {};     // of the step
  int32_t member[kernels::kMostTileQueries] = {};  // of the group of query heads that share the key head
  int32_t limit[kernels::kMostTileQueries] = {};   // keys the row sees
  const BlockId* blocks = nullptr;
  int32_t first_chunk = 0, last_chunk = 0;
  bool begins = false, ends = false;  // the rows' first chunk is here; their last

  int64_t cost() const { return int64_t{rows} * (last_chunk - first_chunk); }
};

struct AttentionPlan {
  // Tiles of a level need those of the levels before.
  std::vector<std::vector<PlannedTile>> levels;
};

struct PlannedSegment {
  std::span<const BlockId> blocks;
  int32_t first_row = 0;  // of the segment's rows that attend
  int32_t rows = 0;
  int64_t first_position = 0;  // of the first of them
};

// `group`: query heads that share a key head. `tile_queries`: most rows of a tile. The segments' blocks must outlive
// the plan.
AttentionPlan PlanAttention(std::span<const PlannedSegment> segments, int64_t group, int64_t tile_queries);

}  // namespace jade::backbone
