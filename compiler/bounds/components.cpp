#include "compiler/bounds/components.h"

#include <algorithm>

namespace jade::bounds {
namespace {

constexpr uint32_t kUnseen = UINT32_MAX;

class Search {
 public:
  explicit Search(const std::vector<std::vector<uint32_t>>& edges)
      : edges_(edges), index_(edges.size(), kUnseen), low_(edges.size(), 0), on_stack_(edges.size(), false) {}

  std::vector<std::vector<uint32_t>> Run() {
    for (uint32_t node = 0; node < edges_.size(); ++node) {
      if (index_[node] == kUnseen) From(node);
    }
    return std::move(components_);
  }

 private:
  struct Visit {
    uint32_t node = 0;
    size_t next = 0;  // of its edges
  };

  void Open(uint32_t node) {
    index_[node] = low_[node] = count_++;
    stack_.push_back(node);
    on_stack_[node] = true;
    visits_.push_back({node, 0});
  }

  void From(uint32_t root) {
    Open(root);
    while (!visits_.empty()) {
      Visit& visit = visits_.back();
      const uint32_t node = visit.node;
      if (visit.next < edges_[node].size()) {
        const uint32_t target = edges_[node][visit.next++];
        if (index_[target] == kUnseen) {
          Open(target);
        } else if (on_stack_[target]) {
          low_[node] = std::min(low_[node], index_[target]);
        }
        continue;
      }
      visits_.pop_back();
      if (!visits_.empty()) low_[visits_.back().node] = std::min(low_[visits_.back().node], low_[node]);
      if (low_[node] == index_[node]) Close(node);
    }
  }

  void Close(uint32_t root) {
    std::vector<uint32_t>& component = components_.emplace_back();
    uint32_t node = kUnseen;
    do {
      node = stack_.back();
      stack_.pop_back();
      on_stack_[node] = false;
      component.push_back(node);
    } while (node != root);
  }

  const std::vector<std::vector<uint32_t>>& edges_;
  std::vector<uint32_t> index_, low_;
  std::vector<bool> on_stack_;
  std::vector<uint32_t> stack_;
  std::vector<Visit> visits_;
  std::vector<std::vector<uint32_t>> components_;
  uint32_t count_ = 0;
};

}  // namespace

std::vector<std::vector<uint32_t>> Components(const std::vector<std::vector<uint32_t>>& edges) {
  return Search(edges).Run();
}

}  // namespace jade::bounds
