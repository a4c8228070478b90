#include "compiler/sema/stages.h"

#include <algorithm>

namespace jade::sema {

std::vector<uint32_t> StageGrammar::Closure(std::vector<uint32_t> from) const {
  std::vector<bool> seen(states.size(), false);
  std::vector<uint32_t> reached;
  while (!from.empty()) {
    uint32_t state = from.back();
    from.pop_back();
    if (seen[state]) continue;
    seen[state] = true;
    reached.push_back(state);
    for (const Edge& edge : states[state]) {
      if (edge.declaration == UINT32_MAX) from.push_back(edge.to);
    }
  }
  std::sort(reached.begin(), reached.end());
  return reached;
}

}  // namespace jade::sema
