#include "runtime/retrieve/fusion.h"

#include <algorithm>
#include <map>

namespace jade::retrieve {

std::vector<FusedRow> FuseRankings(std::span<const std::vector<int64_t>> rankings, int k) {
  std::map<int64_t, double> scores;
  for (const std::vector<int64_t>& ranking : rankings) {
    for (size_t i = 0; i < ranking.size(); ++i) {
      scores[ranking[i]] += 1.0 / (kFusionConstant + static_cast<double>(i + 1));
    }
  }
  std::vector<FusedRow> fused;
  fused.reserve(scores.size());
  for (const auto& [row, score] : scores) fused.push_back({row, score});
  std::stable_sort(fused.begin(), fused.end(), [](const FusedRow& a, const FusedRow& b) { return a.score > b.score; });
  fused.resize(std::min(fused.size(), static_cast<size_t>(std::max(k, 0))));
  return fused;
}

}  // namespace jade::retrieve
