#include "runtime/replay/dataflow.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace jade::replay {

namespace {

std::vector<uint32_t> Together(const Uses& uses) {
  std::vector<uint32_t> all;
  all.reserve(uses.data.size() + uses.control.size());
  std::ranges::set_union(uses.data, uses.control, std::back_inserter(all));
  return all;
}

}  // namespace

std::vector<std::vector<uint32_t>> AllUses(const DataFlow& flow) {
  std::vector<std::vector<uint32_t>> rows;
  rows.reserve(flow.calls.size() + 1);
  for (const Uses& uses : flow.calls) rows.push_back(Together(uses));
  rows.push_back(Together(flow.value));
  return rows;
}

std::vector<std::vector<uint32_t>> NearestUses(const DataFlow& flow) {
  std::vector<std::vector<uint32_t>> rows = AllUses(flow);
  const size_t words = (flow.calls.size() + 63) / 64;
  // By call: all calls that it uses, near and far, a bit each.
  std::vector<uint64_t> reach(words * flow.calls.size());
  std::vector<uint64_t> implied(words);
  for (size_t i = 0; i < rows.size(); ++i) {
    std::ranges::fill(implied, 0);
    std::vector<uint32_t> nearest;
    // A call that implies another stands behind it.
    for (auto used = rows[i].rbegin(); used != rows[i].rend(); ++used) {
      const uint64_t bit = uint64_t{1} << (*used % 64);
      if ((implied[*used / 64] & bit) != 0) continue;
      nearest.push_back(*used);
      implied[*used / 64] |= bit;
      for (size_t word = 0; word < words; ++word) implied[word] |= reach[*used * words + word];
    }
    rows[i].assign(nearest.rbegin(), nearest.rend());
    if (i < flow.calls.size()) std::ranges::copy(implied, reach.begin() + static_cast<ptrdiff_t>(i * words));
  }
  return rows;
}

Consumers ConsumersOf(const std::vector<std::vector<uint32_t>>& uses, const std::vector<bool>& kept) {
  const size_t calls = kept.size();
  Consumers consumers;
  consumers.calls.resize(calls);
  consumers.in_value.resize(calls);
  std::vector<std::vector<uint32_t>> through(calls);  // by call that is not kept: the kept ones behind it
  for (uint32_t i = 0; i <= calls; ++i) {
    std::vector<uint32_t> used;
    for (const uint32_t one : uses[i]) {
      if (kept[one]) {
        used.push_back(one);
      } else {
        used.insert(used.end(), through[one].begin(), through[one].end());
      }
    }
    std::ranges::sort(used);
    used.erase(std::unique(used.begin(), used.end()), used.end());
    if (i == calls) {
      for (const uint32_t one : used) consumers.in_value[one] = true;
    } else if (kept[i]) {
      for (const uint32_t one : used) consumers.calls[one].push_back(i);
    } else {
      through[i] = std::move(used);
    }
  }
  return consumers;
}

}  // namespace jade::replay
