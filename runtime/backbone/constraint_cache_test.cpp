#include "runtime/backbone/constraint_cache.h"

#include <gtest/gtest.h>

#include "runtime/backbone/one_of.h"

namespace jade::backbone {
namespace {

TEST(ConstraintCache, BindsEachIdOnceAndForgetsTheOneUnusedForLongest) {
  ConstraintCache cache(ByteTokens(), 2);
  const OneOf a({"a"}), same({"a"}), b({"b"}), c({"c"});
  EXPECT_TRUE(cache.Bind(a).ok());
  EXPECT_TRUE(cache.Bind(same).ok());
  EXPECT_TRUE(cache.Bind(b).ok());
  EXPECT_TRUE(cache.Bind(a).ok());
  EXPECT_EQ(a.bound + same.bound, 1);
  EXPECT_TRUE(cache.Bind(c).ok());  // b goes
  EXPECT_TRUE(cache.Bind(a).ok());
  EXPECT_TRUE(cache.Bind(b).ok());
  EXPECT_EQ(a.bound, 1);
  EXPECT_EQ(b.bound, 2);
}

TEST(ConstraintCache, WhatCannotBeBoundIsAnErrorEachTime) {
  ConstraintCache cache(ByteTokens(), 2);
  const OneOf bad({"#"});
  for (int i = 0; i < 2; ++i) {
    const auto bound = cache.Bind(bad);
    ASSERT_FALSE(bound.ok());
    EXPECT_EQ(bound.error().message(), "the vocabulary cannot spell `#`");
  }
  EXPECT_EQ(bad.bound, 1);
}

}  // namespace
}  // namespace jade::backbone
