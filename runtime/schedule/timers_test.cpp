#include "runtime/schedule/timers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::schedule {
namespace {

using ::testing::ElementsAre;

TEST(Timers, FireByTimeAndThenInTheOrderInWhichTheyWereSet) {
  Timers timers;
  std::vector<int> fired;
  timers.At(1, 20, [&] { fired.push_back(4); });
  timers.AtEndOf(1, 10);
  timers.At(1, 10, [&] { fired.push_back(2); });
  timers.AtEndOf(3, 10);
  while (!timers.empty()) {
    const int64_t next = timers.next();
    const Timers::Fired timer = timers.Pop();
    EXPECT_EQ(next, fired.size() < 3 ? 10 : 20);
    if (timer.action) {
      timer.action();
    } else {
      fired.push_back(static_cast<int>(timer.run));
    }
  }
  EXPECT_THAT(fired, ElementsAre(1, 2, 3, 4));
}

TEST(Timers, ThoseOfRunsThatEndedAreSweptOut) {
  Timers timers;
  std::vector<RunId> fired;
  size_t most = 0;
  constexpr RunId kRuns = 10'000;
  for (RunId run = 1; run <= kRuns; ++run) {
    timers.AtEndOf(run, static_cast<int64_t>(kRuns - run));
    timers.At(run, 7, [&fired, run] { fired.push_back(run); });
    // Two in a hundred stay.
    timers.Sweep([run](RunId one) { return one <= run && one % 50 != 0; });
    most = std::max(most, timers.size());
  }
  EXPECT_LT(most, 2000U);
  int64_t last = 0;
  size_t ends = 0;
  while (!timers.empty()) {
    EXPECT_LE(last, timers.next());
    last = timers.next();
    const Timers::Fired timer = timers.Pop();
    if (timer.action) {
      timer.action();
    } else if (timer.run % 50 == 0) {
      ++ends;
    }
  }
  EXPECT_EQ(ends, kRuns / 50);
  for (RunId run = 50; run <= kRuns; run += 50) EXPECT_EQ(std::count(fired.begin(), fired.end(), run), 1);
}

}  // namespace
}  // namespace jade::schedule
