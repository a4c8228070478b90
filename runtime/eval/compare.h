#pragma once
// Two systems on the same questions: the paired difference of what was measured, with a bootstrap interval (Efron and
// Tibshirani 1993, percentile). Questions are resampled with replacement, the same for both systems. With several runs
// of a system (seeds), its runs are resampled too, each whole: the interval then also covers the choice of the seeds.
// One run of each says nothing about seeds. Pure functions of the rows and the seed.

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/eval/rows.h"

namespace jade::eval {

// One evaluation: the rows of one file.
struct RunRows {
  std::string path;  // for errors
  std::vector<Row> rows;
};

struct CompareOptions {
  uint64_t resamples = 10'000;
  uint64_t seed = 0;
};

struct Difference {
  std::string measure;  // of MeasureNames
  double mean_a = 0;    // over questions and runs
  double mean_b = 0;
  double difference = 0;  // mean_b - mean_a
  double low = 0;         // of the 95 % interval
  double high = 0;
  double p = 1;  // two-sided: twice the smaller share of resamples on one side of zero (zero counts for both)
};

struct Comparison {
  uint64_t questions = 0;
  uint64_t runs_a = 0;
  uint64_t runs_b = 0;
  std::vector<Difference> differences;  // in the order of MeasureNames
};

// values[run][question], every run as long. Both non-empty.
using Table = std::vector<std::vector<double>>;

// The difference for each pair of tables, all on the same resamples. O(resamples × questions × runs). `a` and `b` have
// one table a measure; names are left empty.
std::vector<Difference> PairedBootstrap(const std::vector<Table>& a, const std::vector<Table>& b,
                                        const CompareOptions& options);

// Pairs the rows by id, in whatever order files have them. Fails when two runs are not over the same questions.
Result<Comparison> Compare(const std::vector<RunRows>& a, const std::vector<RunRows>& b, const CompareOptions& options);

// {"questions", "runs_a", "runs_b", "resamples", "seed", "level": 0.95, "measures": {NAME: {"n", "mean_a", "mean_b",
// "difference", "low", "high", "p"}}}. One line.
std::string ComparisonJson(const Comparison& comparison, const CompareOptions& options);

}  // namespace jade::eval
