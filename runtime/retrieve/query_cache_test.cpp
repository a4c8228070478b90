#include "runtime/retrieve/query_cache.h"

#include <gtest/gtest.h>

namespace jade::retrieve {
namespace {

TEST(QueryCacheTest, KnowsQueriesByTextAndCount) {
  QueryCache cache(10'000);
  cache.Insert({"oslo", 5}, "[five]");
  EXPECT_EQ(cache.Find({"oslo", 5}), "[five]");
  EXPECT_FALSE(cache.Find({"oslo", 4}).has_value());
  EXPECT_FALSE(cache.Find({"Oslo", 5}).has_value());
  cache.Insert({"oslo", 5}, "[other]");
  EXPECT_EQ(cache.Find({"oslo", 5}), "[other]");
}

TEST(QueryCacheTest, ForgetsTheLeastRecentlyUsedAndStaysWithinItsBytes) {
  QueryCache cache(3'000);
  const std::string result(700, 'x');
  for (int i = 0; i < 3; ++i) cache.Insert({std::to_string(i), 5}, result);
  EXPECT_TRUE(cache.Find({"0", 5}).has_value());
  cache.Insert({"3", 5}, result);  // in the place of 1, for 0 was used since
  EXPECT_TRUE(cache.Find({"0", 5}).has_value());
  EXPECT_FALSE(cache.Find({"1", 5}).has_value());
  EXPECT_TRUE(cache.Find({"2", 5}).has_value());
  EXPECT_TRUE(cache.Find({"3", 5}).has_value());
  for (int i = 0; i < 1'000; ++i) {
    cache.Insert({std::to_string(i * 37 % 101), i % 3}, std::string(static_cast<size_t>(i * 13 % 900), 'y'));
    ASSERT_LE(cache.bytes(), 3'000U);
  }
}

TEST(QueryCacheTest, KeepsNothingThatDoesNotFit) {
  QueryCache cache(1'000);
  cache.Insert({"small", 1}, "x");
  cache.Insert({"large", 1}, std::string(2'000, 'x'));
  EXPECT_FALSE(cache.Find({"large", 1}).has_value());
  EXPECT_TRUE(cache.Find({"small", 1}).has_value());
  QueryCache none(0);
  none.Insert({"small", 1}, "x");
  EXPECT_FALSE(none.Find({"small", 1}).has_value());
  EXPECT_EQ(none.bytes(), 0U);
}

}  // namespace
}  // namespace jade::retrieve
