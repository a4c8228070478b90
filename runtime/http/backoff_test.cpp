#include "runtime/http/backoff.h"

#include <gtest/gtest.h>

#include <set>

#include "runtime/http/token_bucket.h"

namespace jade::http {
namespace {

TEST(BackoffTest, PausesGrowAreJitteredAndRepeatable) {
  for (int attempt = 1; attempt <= 40; ++attempt) {
    std::set<int64_t> seen;
    for (uint64_t seed = 0; seed < 50; ++seed) {
      const int64_t pause = PauseMicros(attempt, seed, std::nullopt);
      EXPECT_GE(pause, 0);
      EXPECT_LE(pause, attempt < 7 ? kFirstPauseUs << (attempt - 1) : kLongestPauseUs);
      EXPECT_EQ(pause, PauseMicros(attempt, seed, std::nullopt));
      seen.insert(pause);
    }
    EXPECT_GT(seen.size(), 45U) << "of attempt " << attempt;
  }
}

TEST(BackoffTest, TheServersTimeIsHonoured) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const int64_t pause = PauseMicros(1, seed, 7'000'000);
    EXPECT_GE(pause, 7'000'000);
    EXPECT_LE(pause, 7'000'000 + kFirstPauseUs / 4);
  }
}

TEST(BackoffTest, WhatMayPass) {
  for (const int status : {408, 425, 429, 500, 502, 503, 504}) EXPECT_TRUE(IsPassing(status)) << status;
  for (const int status : {200, 301, 400, 401, 403, 404, 413, 422, 501, 505}) EXPECT_FALSE(IsPassing(status)) << status;
}

TEST(TokenBucketTest, AllowsABurstThenTheRate) {
  TokenBucket bucket(4);
  int64_t now = 1'000'000'000;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bucket.Take(now));
  EXPECT_FALSE(bucket.Take(now));
  EXPECT_EQ(bucket.NextAt(now), now + 250'000);
  EXPECT_FALSE(bucket.Take(now + 249'000));
  now += 250'000;
  EXPECT_TRUE(bucket.Take(now));
  EXPECT_FALSE(bucket.Take(now));
  now += 3'600'000'000;  // an hour saves up one second's worth
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(bucket.Take(now));
  EXPECT_FALSE(bucket.Take(now));
}

TEST(TokenBucketTest, NextAtIsAlwaysEnough) {
  for (const double rate : {0.1, 0.3, 1.0, 3.0, 7.7, 1000.0}) {
    TokenBucket bucket(rate);
    int64_t now = 12345;
    for (int i = 0; i < 2000; ++i) {
      now = bucket.NextAt(now);
      ASSERT_TRUE(bucket.Take(now)) << rate << " " << i;
    }
    const double seconds = static_cast<double>(now - 12345) * 1e-6;
    EXPECT_NEAR(seconds, (2000 - std::max(1.0, rate)) / rate, 2.0 / rate + 0.01);
  }
}

TEST(TokenBucketTest, ZeroIsNoLimit) {
  TokenBucket bucket(0);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(bucket.Take(5));
  EXPECT_EQ(bucket.NextAt(5), 5);
}

}  // namespace
}  // namespace jade::http
