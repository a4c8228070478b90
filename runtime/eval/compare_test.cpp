#include "runtime/eval/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/data/rng.h"

namespace jade::eval {
namespace {

using testing::HasSubstr;

Row Answered(int question, double em) {
  return {"q" + std::to_string(question), "question " + std::to_string(question), {em, em, em, 1, 2, 30}};
}

RunRows Answers(const std::string& path, const std::vector<double>& em) {
  RunRows run{path, {}};
  for (size_t i = 0; i < em.size(); ++i) run.rows.push_back(Answered(static_cast<int>(i), em[i]));
  return run;
}

TEST(Compare, PairsByIdInAnyOrder) {
  const RunRows a = Answers("a", {1, 0, 0, 1});
  RunRows b = Answers("b", {1, 1, 0, 1});
  const Comparison straight = Compare({a}, {b}, {}).value();
  std::reverse(b.rows.begin(), b.rows.end());
  const Comparison reversed = Compare({a}, {b}, {}).value();
  ASSERT_EQ(straight.differences.size(), MeasureNames().size());
  const Difference& em = straight.differences[0];
  EXPECT_EQ(em.measure, "em");
  EXPECT_EQ(straight.questions, 4U);
  EXPECT_DOUBLE_EQ(em.mean_a, 0.5);
  EXPECT_DOUBLE_EQ(em.mean_b, 0.75);
  EXPECT_DOUBLE_EQ(em.difference, 0.25);
  EXPECT_DOUBLE_EQ(reversed.differences[0].low, em.low);
  EXPECT_DOUBLE_EQ(reversed.differences[0].high, em.high);
  EXPECT_DOUBLE_EQ(reversed.differences[0].p, em.p);
}

TEST(Compare, EqualSystemsDifferByNothing) {
  const RunRows a = Answers("a", {1, 0, 1, 0, 1});
  const Comparison comparison = Compare({a}, {a}, {}).value();
  for (const Difference& one : comparison.differences) {
    EXPECT_EQ(one.difference, 0.0) << one.measure;
    EXPECT_EQ(one.low, 0.0) << one.measure;
    EXPECT_EQ(one.high, 0.0) << one.measure;
    EXPECT_EQ(one.p, 1.0) << one.measure;
  }
}

TEST(Compare, AConstantGainIsCertain) {
  const Comparison comparison =
      Compare({Answers("a", {0, 0, 0})}, {Answers("b", {1, 1, 1})}, {.resamples = 999, .seed = 0}).value();
  const Difference& em = comparison.differences[0];
  EXPECT_EQ(em.low, 1.0);
  EXPECT_EQ(em.high, 1.0);
  EXPECT_DOUBLE_EQ(em.p, 2.0 / 1000);  // no resample at or below zero
}

// One question in four differs: the resampled mean is binomial(n, 1/4) / n, whose quantiles are known.
TEST(Compare, IntervalIsThatOfTheBinomial) {
  std::vector<double> zeros(100, 0.0);
  std::vector<double> quarter(100, 0.0);
  std::fill_n(quarter.begin(), 25, 1.0);
  const Comparison comparison =
      Compare({Answers("a", zeros)}, {Answers("b", quarter)}, {.resamples = 20'000, .seed = 3}).value();
  EXPECT_NEAR(comparison.differences[0].low, 0.17, 0.011);   // binomial quantile 17 of 100
  EXPECT_NEAR(comparison.differences[0].high, 0.34, 0.011);  // 34 of 100
}

TEST(Compare, SeedsWidenTheInterval) {
  // Each run of B is right everywhere or nowhere: one run leaves nothing to doubt, three leave everything.
  const std::vector<double> none(20, 0.0);
  const std::vector<double> all(20, 1.0);
  const Comparison one = Compare({Answers("a", none)}, {Answers("b", all)}, {}).value();
  EXPECT_EQ(one.differences[0].high - one.differences[0].low, 0.0);
  const Comparison three =
      Compare({Answers("a", none)}, {Answers("b1", all), Answers("b2", none), Answers("b3", all)}, {}).value();
  EXPECT_EQ(three.runs_b, 3U);
  EXPECT_NEAR(three.differences[0].difference, 2.0 / 3, 1e-12);
  EXPECT_EQ(three.differences[0].low, 0.0);
  EXPECT_EQ(three.differences[0].high, 1.0);
  // All three draws wrong in 1 of 27 resamples.
  EXPECT_NEAR(three.differences[0].p, 2.0 / 27, 0.01);
}

TEST(Compare, TheSeedDecides) {
  const std::vector<RunRows> a{Answers("a", {1, 0, 1, 0, 1, 0, 1})};
  const std::vector<RunRows> b{Answers("b", {1, 1, 0, 0.5, 1, 0.25, 1})};
  const CompareOptions options{.resamples = 500, .seed = 7};
  EXPECT_EQ(ComparisonJson(Compare(a, b, options).value(), options),
            ComparisonJson(Compare(a, b, options).value(), options));
  const auto object = nlohmann::json::parse(ComparisonJson(Compare(a, b, options).value(), options));
  EXPECT_EQ(object["questions"], 7);
  EXPECT_EQ(object["level"], 0.95);
  EXPECT_EQ(object["measures"]["turns"]["mean_a"], 1.0);
  EXPECT_EQ(object["measures"]["em"]["n"], 7);
}

// The interval covers the true difference about as often as it says: 300 samples of 80 questions, of two systems that
// are right with probability 0.4 and 0.5 on questions of which half are easier for both.
TEST(PairedBootstrap, CoversTheTruth) {
  data::Rng rng(11);
  int covered = 0;
  constexpr int kSamples = 300;
  for (int sample = 0; sample < kSamples; ++sample) {
    Table a(1);
    Table b(1);
    for (int question = 0; question < 80; ++question) {
      const double easier = rng.Chance(0.5) ? 0.3 : -0.3;
      a[0].push_back(rng.Chance(0.4 + easier) ? 1.0 : 0.0);
      b[0].push_back(rng.Chance(0.5 + easier) ? 1.0 : 0.0);
    }
    const auto seed = static_cast<uint64_t>(sample);
    const Difference difference = PairedBootstrap({a}, {b}, {.resamples = 400, .seed = seed}).front();
    if (difference.low <= 0.1 && 0.1 <= difference.high) ++covered;
  }
  EXPECT_GE(covered, kSamples * 90 / 100);
  EXPECT_LE(covered, kSamples * 99 / 100);
}

TEST(Compare, OtherQuestionsAreRefused) {
  const RunRows a = Answers("a.jsonl", {1, 0, 1});
  EXPECT_THAT(Compare({a}, {Answers("b.jsonl", {1, 0})}, {}).error().message(),
              HasSubstr("question `q2` of `a.jsonl` is not in `b.jsonl` (1 are missing)"));
  EXPECT_THAT(Compare({a}, {Answers("b.jsonl", {1, 0, 1, 1})}, {}).error().message(),
              HasSubstr("question `q3` of `b.jsonl` is not in `a.jsonl`"));
  RunRows other = a;
  other.rows[1].question = "another";
  EXPECT_THAT(Compare({a}, {other}, {}).error().message(), HasSubstr("question `q1` is not the same"));
  EXPECT_FALSE(Compare({}, {a}, {}).ok());
}

TEST(Rows, AreReadAsTheyAreWritten) {
  Question question{.id = "q1", .question = "who?", .gold = {"x"}, .type = "bridge", .support = {}, .row = "{}"};
  Outcome outcome{.id = "q1", .type = "bridge", .gold = {"x"}, .answer = "y", .run = {}, .calls = {}};
  outcome.run.turns = 2;
  outcome.run.retrievals = 3;
  outcome.run.tokens = 40;
  const std::string path = testing::TempDir() + "compare_test_rows.jsonl";
  std::ofstream(path, std::ios::binary) << RowJson(question, outcome, {.em = 0, .f1 = 0.5, .accuracy = 1}) << "\n";
  const auto rows = LoadRows(path);
  ASSERT_TRUE(rows.ok()) << rows.error().ToString();
  EXPECT_EQ(rows->front().id, "q1");
  EXPECT_EQ(rows->front().question, "who?");
  EXPECT_EQ(rows->front().measures, (std::vector<double>{0, 0.5, 1, 2, 3, 40}));
}

TEST(Rows, WhatIsNotARowIsNamedByItsLine) {
  const std::string path = testing::TempDir() + "compare_test_bad.jsonl";
  const auto error = [&](const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
    return LoadRows(path).error().message();
  };
  const std::string good = R"({"id":"1","question":"q","em":1,"f1":1,"accuracy":1,"turns":1,"retrievals":1,"tokens":1})"
                           "\n";
  EXPECT_THAT(error(good + good), HasSubstr(":2: question `1` stands here twice"));
  EXPECT_THAT(error(good + R"({"id":"2","question":"q","em":1})"),
              HasSubstr(":2: the row lacks `f1`: write the file with"));
  EXPECT_THAT(error(R"({"id":"2","question":"q","em":"1"})"), HasSubstr(":1: `em` must be a number"));
  EXPECT_THAT(error(R"({"id":"2","question":"q","em":1e999})"), HasSubstr(":1: "));
  EXPECT_THAT(error(""), HasSubstr("holds no rows"));
}

}  // namespace
}  // namespace jade::eval
