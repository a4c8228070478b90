#include "runtime/backbone/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <tuple>
#include <vector>

namespace jade::backbone {
namespace {

std::vector<double> Distribution(const std::vector<float>& logits, double temperature) {
  std::vector<double> p;
  for (const float x : logits) p.push_back(std::exp(x / temperature));
  const double total = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& x : p) x /= total;
  return p;
}

// Draws many tokens and returns Pearson's statistic against `expected`; log-probabilities must agree with it too.
double ChiSquare(const std::vector<float>& logits, const SamplerSettings& settings,
                 const std::vector<double>& expected) {
  constexpr int kDraws = 20000;
  std::vector<int> counts(logits.size());
  RandomStream random({42, 7});
  for (int i = 0; i < kDraws; ++i) {
    std::vector<float> row = logits;
    const SampledToken token = SampleToken(row, settings, &random);
    ++counts[static_cast<size_t>(token.id)];
    EXPECT_NEAR(token.log_prob, std::log(expected[static_cast<size_t>(token.id)]), 1e-4);
  }
  double statistic = 0.0;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] == 0.0) {
      EXPECT_EQ(counts[i], 0);
      continue;
    }
    const double mean = expected[i] * kDraws;
    statistic += (counts[i] - mean) * (counts[i] - mean) / mean;
  }
  return statistic;
}

const std::vector<float> kLogits{0.3f, -1.2f, 2.0f, 0.0f, 1.1f, -0.4f, 0.9f, 2.0f};

// 24.3 is the 0.999 quantile for 7 degrees of freedom.
TEST(Sampler, DrawsFromTheSoftmax) {
  for (const double temperature : {0.5, 1.0, 1.7}) {
    EXPECT_LT(ChiSquare(kLogits, {temperature, 0, 1.0}, Distribution(kLogits, temperature)), 24.3);
  }
}

TEST(Sampler, TopKAndTopPCutAndRenormalise) {
  std::vector<double> top3{0, 0, std::exp(2.0), 0, std::exp(1.1), 0, 0, std::exp(2.0)};
  const double total = std::accumulate(top3.begin(), top3.end(), 0.0);
  for (double& p : top3) p /= total;
  EXPECT_LT(ChiSquare(kLogits, {1.0, 3, 1.0}, top3), 13.8);  // 0.999, 2 degrees
  // The two best have 0.29 each: 0.5 needs both, 0.2 only the first of the equals.
  EXPECT_LT(ChiSquare(kLogits, {1.0, 0, 0.5}, {0, 0, 0.5, 0, 0, 0, 0, 0.5}), 10.8);  // 0.999, 1 degree
  ChiSquare(kLogits, {1.0, 0, 0.2}, {0, 0, 1, 0, 0, 0, 0, 0});
  ChiSquare(kLogits, {1.0, 1, 1.0}, {0, 0, 1, 0, 0, 0, 0, 0});
}

TEST(Sampler, MinPIsRelativeToTheFirst) {
  // Beside the two best only 1.1 has more than 0.35 of their probability, and 0.9 more than 0.3.
  std::vector<double> kept{0, 0, std::exp(2.0), 0, std::exp(1.1), 0, 0, std::exp(2.0)};
  const double total = std::accumulate(kept.begin(), kept.end(), 0.0);
  for (double& p : kept) p /= total;
  EXPECT_LT(ChiSquare(kLogits, {1.0, 0, 1.0, 0.35}, kept), 13.8);  // 0.999, 2 degrees
  EXPECT_LT(ChiSquare(kLogits, {1.0, 3, 1.0, 0.3}, kept), 13.8);
  ChiSquare(kLogits, {1.0, 0, 0.2, 0.3}, {0, 0, 1, 0, 0, 0, 0, 0});
}

// Wide rows: stretches, tails of vectors, candidates of top-p; against sorting everything.
TEST(Sampler, WideRowsAgreeWithSortingEverything) {
  RandomStream numbers({3, 4});
  for (const size_t width : {1u, 7u, 1023u, 1025u, 5000u}) {
    for (const auto& [top_k, top_p, min_p] :
         {std::tuple(0, 1.0, 0.0), {40, 1.0, 0.0}, {0, 0.9, 0.0}, {900, 0.5, 0.01}}) {
      std::vector<float> logits(width);
      for (float& x : logits) x = static_cast<float>(8.0 * numbers.NextUniform());
      const double temperature = 0.5 + numbers.NextUniform();
      std::vector<double> p = Distribution(logits, temperature);
      std::vector<size_t> order(width);
      std::iota(order.begin(), order.end(), size_t{0});
      std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
      const size_t most = top_k > 0 ? std::min<size_t>(width, static_cast<size_t>(top_k)) : width;
      double reachable = 0.0, sum = 0.0;
      for (size_t i = 0; i < most; ++i) reachable += p[order[i]];
      const double first = p[order[0]];
      for (size_t i = 0; i < width; ++i) {
        const double before = sum;
        sum += p[order[i]];
        if (i >= most || (top_p < 1.0 && before >= top_p * reachable) || p[order[i]] < min_p * first) p[order[i]] = 0.0;
      }
      const double total = std::accumulate(p.begin(), p.end(), 0.0);
      RandomStream random({9, width}), same({9, width});
      for (int draw = 0; draw < 50; ++draw) {
        std::vector<float> row = logits;
        const SampledToken token = SampleToken(row, {temperature, top_k, top_p, min_p}, &random);
        // By hand: the token on which the same number falls.
        double threshold = same.NextUniform() * total;
        size_t expected = 0;
        while (expected + 1 < width && (threshold -= p[expected]) >= 0.0) ++expected;
        ASSERT_NEAR(token.log_prob, std::log(p[static_cast<size_t>(token.id)] / total), 1e-4);
        // Rounding moves the border between neighbours.
        if (static_cast<size_t>(token.id) != expected) {
          ASSERT_LT(std::min(std::abs(threshold), std::abs(threshold + p[expected])), 1e-5) << width;
        }
      }
    }
  }
}

TEST(Sampler, MaskedTokensAreNeverChosen) {
  for (const size_t width : {100u, 128u, 130u}) {
    engine::TokenMask mask(static_cast<int64_t>(width));
    mask.Add(3);
    mask.Add(64);
    mask.Add(99);
    RandomStream random({1, 2});
    std::set<int32_t> chosen;
    for (int i = 0; i < 200; ++i) {
      std::vector<float> row(width, 5.0f);
      row[64] = 4.0f;
      ApplyMask(row, mask);
      const SampledToken token = SampleToken(row, {i % 2 == 0 ? 1.0 : 0.0, 0, 1.0}, &random);
      chosen.insert(token.id);
      const double total = 2.0 + std::exp(-1.0);
      ASSERT_NEAR(token.log_prob, std::log((token.id == 64 ? std::exp(-1.0) : 1.0) / total), 1e-5);
    }
    EXPECT_EQ(chosen, (std::set<int32_t>{3, 64, 99}));
  }
}

TEST(Sampler, RepetitionMakesTokensLessProbable) {
  std::vector<float> row{2.0f, -2.0f, 1.0f, 0.5f};
  ApplyRepetitionPenalty(row, std::vector<int32_t>{0, 1, 77}, 2.0);
  EXPECT_EQ(row, (std::vector<float>{1.0f, -4.0f, 1.0f, 0.5f}));
}

TEST(Sampler, GreedyIsTheFirstArgMax) {
  std::vector<float> row = kLogits;
  RandomStream random({1, 2});
  const SampledToken token = SampleToken(row, {0.0, 0, 1.0}, &random);
  EXPECT_EQ(token.id, 2);
  EXPECT_NEAR(token.log_prob, std::log(Distribution(kLogits, 1.0)[2]), 1e-5);
  EXPECT_EQ(random.position(), 0u);
}

TEST(Sampler, ExtremesAreDefined) {
  RandomStream random({1, 2});
  std::vector<float> nan{1.0f, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_EQ(SampleToken(nan, {1.0, 0, 1.0}, &random).id, -1);
  std::vector<float> huge{3e38f, -3e38f, 1.0f};
  EXPECT_EQ(SampleToken(huge, {1e-6, 0, 1.0}, &random).id, 0);
  const float none = -std::numeric_limits<float>::infinity();
  std::vector<float> masked{none, 4.0f, none};
  const SampledToken only = SampleToken(masked, {1.0, 0, 1.0}, &random);
  EXPECT_EQ(only.id, 1);
  EXPECT_NEAR(only.log_prob, 0.0f, 1e-6);
  std::vector<float> nothing{none, none};
  EXPECT_EQ(SampleToken(nothing, {1.0, 0, 1.0}, &random).id, -1);
  std::vector<float> endless{1.0f, std::numeric_limits<float>::infinity()};
  EXPECT_EQ(SampleToken(endless, {1.0, 0, 1.0}, &random).id, -1);
  std::vector<float> wide(40, 1.0f);
  wide[39] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(SampleToken(wide, {0.0, 0, 1.0}, &random).id, -1);
  // Any temperature leaves a masked token out.
  for (const double temperature : {1e-300, 1e300}) {
    std::vector<float> row{none, 4.0f, 2.0f, none};
    EXPECT_GE(SampleToken(row, {temperature, 0, 1.0}, &random).id, 1);
    EXPECT_EQ(row[0], 0.0f);
    EXPECT_EQ(row[3], 0.0f);
  }
}

// Known answers of Random123 for Philox 4x32-10.
TEST(RandomStream, PhiloxKnownAnswers) {
  const auto zero = Philox({0, 0, 0, 0}, {0, 0});
  EXPECT_EQ(zero, (std::array<uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  const auto pi = Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  EXPECT_EQ(pi, (std::array<uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomStream, NumbersDependOnKeyAndPosition) {
  RandomStream a({5, 6}), b({5, 6}), c({5, 7});
  const uint64_t first = a.Next(), second = a.Next();
  b.Seek(1);
  EXPECT_EQ(b.Next(), second);
  EXPECT_NE(c.Next(), first);
}

}  // namespace
}  // namespace jade::backbone
