#include "runtime/replay/dataflow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace jade::replay {
namespace {

using ::testing::ElementsAre;

Uses Data(std::vector<uint32_t> calls) {
  return {std::move(calls), {}};
}

TEST(Graphs, NearestUsesLeaveOutWhatIsImplied) {
  // 0 plans; 1 → 2 → 3 → the value; 3 sees 1 too, all hang on 0.
  const DataFlow flow{{Data({}), {{}, {0}}, {{1}, {0}}, {{1, 2}, {0}}}, {{3}, {0}}, {}};
  EXPECT_THAT(AllUses(flow),
              ElementsAre(ElementsAre(), ElementsAre(0), ElementsAre(0, 1), ElementsAre(0, 1, 2), ElementsAre(0, 3)));
  EXPECT_THAT(NearestUses(flow),
              ElementsAre(ElementsAre(), ElementsAre(0), ElementsAre(1), ElementsAre(2), ElementsAre(3)));
}

TEST(Graphs, NearestUsesAgreeWithReachability) {
  constexpr uint32_t kCalls = 150;  // more than two words
  uint32_t random = 1;
  DataFlow flow;
  flow.calls.resize(kCalls);
  auto fill = [&](Uses& uses, uint32_t below) {
    for (uint32_t i = 0; i < below; ++i) {
      random = random * 1664525 + 1013904223;
      if (random >> 27U == 0) uses.data.push_back(i);
    }
  };
  for (uint32_t i = 0; i < kCalls; ++i) fill(flow.calls[i], i);
  fill(flow.value, kCalls);
  auto reach = [](const std::vector<std::vector<uint32_t>>& rows) {
    std::vector<std::set<uint32_t>> all(rows.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      for (const uint32_t used : rows[i]) {
        all[i].insert(used);
        all[i].insert(all[used].begin(), all[used].end());
      }
    }
    return all;
  };
  const auto all = AllUses(flow);
  const auto nearest = NearestUses(flow);
  EXPECT_EQ(reach(all), reach(nearest));
  const auto reached = reach(all);
  for (const std::vector<uint32_t>& row : nearest) {
    for (const uint32_t used : row) {
      for (const uint32_t other : row) EXPECT_FALSE(reached[other].contains(used));
    }
  }
}

TEST(Graphs, ConsumersAreFoundThroughCallsThatAreNotKept) {
  // 0 rewrites, 1 searches (a tool), 2 selects, 3 answers from 1 and 2.
  const DataFlow flow{{Data({}), Data({0}), Data({1}), Data({1, 2})}, Data({3}), {}};
  const Consumers consumers = ConsumersOf(AllUses(flow), {true, false, true, true});
  EXPECT_THAT(consumers.calls, ElementsAre(ElementsAre(2, 3), ElementsAre(), ElementsAre(3), ElementsAre()));
  EXPECT_THAT(consumers.in_value, ElementsAre(false, false, false, true));
  // A tool's result as the answer is the rewriter's.
  EXPECT_THAT(ConsumersOf({{}, {0}, {1}}, {true, false}).in_value, ElementsAre(true, false));
}

}  // namespace
}  // namespace jade::replay
