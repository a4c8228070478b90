#include "runtime/kernels/team.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace jade::kernels {
namespace {

TEST(Team, EveryMemberRunsAndSeesWhatTheOthersWroteBeforeABarrier) {
  for (const int size : {1, 2, 5}) {
    Team team(size);
    for (int round = 0; round < 50; ++round) {
      std::vector<int> wrote(static_cast<size_t>(size)), sums(static_cast<size_t>(size));
      team.Run([&](Member& member) {
        const auto index = static_cast<size_t>(member.index());
        wrote[index] = round + member.index();
        member.Barrier();
        sums[index] = std::accumulate(wrote.begin(), wrote.end(), 0);
      });
      const int expected = round * size + size * (size - 1) / 2;
      EXPECT_EQ(sums, std::vector<int>(static_cast<size_t>(size), expected));
    }
  }
}

TEST(Team, NextGivesEachNumberOfAPhaseOutOnce) {
  Team team(3);
  constexpr int kPhases = 40;
  std::vector<std::vector<std::atomic<int>>> counts(kPhases);
  for (int phase = 0; phase < kPhases; ++phase) counts[static_cast<size_t>(phase)] = std::vector<std::atomic<int>>(17);
  team.Run([&](Member& member) {
    for (int phase = 0; phase < kPhases; ++phase) {
      auto& seen = counts[static_cast<size_t>(phase)];
      for (int64_t i = member.Next(17); i >= 0; i = member.Next(17)) ++seen[static_cast<size_t>(i)];
      member.Barrier();
    }
  });
  for (const auto& seen : counts) {
    for (const auto& count : seen) EXPECT_EQ(count.load(), 1);
  }
}

TEST(Team, APhaseWithoutUnitsEnds) {
  Team team(2);
  int runs = 0;
  team.Run([&](Member& member) {
    EXPECT_EQ(member.Next(0), -1);
    member.Barrier();
    if (member.index() == 0) ++runs;
  });
  EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace jade::kernels
