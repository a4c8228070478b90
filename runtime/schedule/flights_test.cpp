#include "runtime/schedule/flights.h"

#include <gtest/gtest.h>

namespace jade::schedule {
namespace {

TEST(Flights, ANumberNamesOneFlightOnly) {
  Flights flights;
  auto* run = reinterpret_cast<ActiveRun*>(&flights);
  const uint64_t first = flights.Add({run, 1, 0});
  const uint64_t second = flights.Add({run, 2, 7});
  EXPECT_NE(first, 0u);
  EXPECT_EQ(flights.Find(first)->call, 1u);
  EXPECT_EQ(flights.Find(second)->tool, 7u);
  flights.Remove(first);
  flights.Remove(first);
  EXPECT_EQ(flights.size(), 1u);
  const uint64_t third = flights.Add({run, 3, 0});  // in the slot of the first
  EXPECT_EQ(flights.Find(first), nullptr);
  EXPECT_EQ(flights.Find(third)->call, 3u);
  EXPECT_EQ(flights.Find(0), nullptr);
  EXPECT_EQ(flights.Find(third + 1000), nullptr);
  flights.Remove(second);
  flights.Remove(third);
  EXPECT_TRUE(flights.empty());
}

}  // namespace
}  // namespace jade::schedule
