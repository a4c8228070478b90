#include "runtime/schedule/timers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jade::schedule {
namespace {

using ::testing::ElementsAre;

TEST(Timers, FireByTimeAndThenInTheOrderInWhichTheyWereSet) {
  Timers timers;
  std::vector<int> fired;
  timers.At(20, [&] { fired.push_back(4); });
  timers.AtEndOf(1, 10);
  timers.At(10, [&] { fired.push_back(2); });
  timers.AtEndOf(3, 10);
  while (!timers.empty()) {
    const int64_t next = timers.next();
    const Timers::Fired timer = timers.Pop();
    EXPECT_EQ(next, fired.size() < 3 ? 10 : 20);
    EXPECT_EQ(timer.action == nullptr, timer.run != 0);
    if (timer.action) {
      timer.action();
    } else {
      fired.push_back(static_cast<int>(timer.run));
    }
  }
  EXPECT_THAT(fired, ElementsAre(1, 2, 3, 4));
}

}  // namespace
}  // namespace jade::schedule
