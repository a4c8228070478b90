#include "bench/plan_churn.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace jade::bench {
namespace {

// What is left of a plan that was run and pushed out of the cache is nothing: a kilobyte of each would be three
// megabytes. (Where a sanitizer has the heap, its size is not known, and always 0.)
TEST(PlanChurnTest, LeavesTheHeapAsItWas) {
  const auto figures = BenchPlanChurn({.plans = 3000, .kept = 16}, nullptr);
  ASSERT_TRUE(figures.ok()) << figures.error().ToString();
  std::map<std::string, double> values;
  for (const Figure& figure : *figures) EXPECT_TRUE(values.emplace(figure.name, figure.value).second) << figure.name;
  EXPECT_GT(values["churn.start.rss.mb"], 0);
  EXPECT_LT(values["churn.end.heap.mb"] - values["churn.start.heap.mb"], 0.5);
  EXPECT_EQ(values["churn.types"], 0);
}

}  // namespace
}  // namespace jade::bench
