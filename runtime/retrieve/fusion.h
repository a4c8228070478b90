#pragma once
// Several rankings of the same corpus as one. Pure functions.

#include <cstdint>
#include <span>
#include <vector>

namespace jade::retrieve {

struct FusedRow {
  int64_t row = 0;
  double score = 0.0;
};

inline constexpr double kFusionConstant = 60.0;

// Reciprocal-rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009): a row scores the sum of 1 / (60 + rank) over the
// rankings it stands in, ranks from 1. The `k` best, ties by row. A row stands in a ranking once at most.
std::vector<FusedRow> FuseRankings(std::span<const std::vector<int64_t>> rankings, int k);

}  // namespace jade::retrieve
