#include "compiler/source/suggest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace jade::source {
namespace {
constexpr size_t kMaxWord = 64;
}  // namespace

int EditDistance(std::string_view a, std::string_view b, int limit) {
  if (a.size() > kMaxWord || b.size() > kMaxWord) return limit + 1;
  std::array<std::array<int, kMaxWord + 1>, 3> rows{};
  for (size_t j = 0; j <= b.size(); ++j) rows[0][j] = static_cast<int>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    auto& row = rows[i % 3];
    const auto& above = rows[(i + 2) % 3];
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], rows[(i + 1) % 3][j - 2] + 1);
      }
    }
  }
  return std::min(rows[a.size() % 3][b.size()], limit + 1);
}

std::optional<std::string> Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  const int limit = std::max(1, static_cast<int>(word.size()) / 3);
  int best = limit + 1;
  std::optional<std::string> nearest;
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(word, candidate, limit);
    if (distance < best && distance < static_cast<int>(candidate.size())) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto nearest = Nearest(word, candidates);
  return nearest ? fmt::format("; did you mean `{}`?", *nearest) : std::string();
}

}  // namespace jade::source
