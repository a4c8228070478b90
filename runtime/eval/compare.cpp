#include "runtime/eval/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "runtime/data/rng.h"

namespace jade::eval {
namespace {

constexpr double kLevel = 0.95;
constexpr double kZero = 1e-12;  // sums of scores that should cancel come this near

// How often each of `n` things was drawn in `n` draws with replacement.
void Draw(data::Rng& rng, std::vector<double>* counts) {
  std::fill(counts->begin(), counts->end(), 0.0);
  for (size_t i = 0; i < counts->size(); ++i) ++(*counts)[rng.Below(counts->size())];
}

// The mean over runs and questions, each counted as often as it was drawn.
double WeightedMean(const Table& table, const std::vector<double>& runs, const std::vector<double>& questions) {
  double sum = 0;
  for (size_t run = 0; run < table.size(); ++run) {
    if (runs[run] == 0) continue;
    double of_run = 0;
    for (size_t i = 0; i < questions.size(); ++i) of_run += questions[i] * table[run][i];
    sum += runs[run] * of_run;
  }
  return sum / static_cast<double>(table.size() * questions.size());
}

// Between the two nearest of the sorted values, in proportion.
double Quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double PValue(const std::vector<double>& resampled) {
  const auto share = [&](auto side) {
    const auto count = std::count_if(resampled.begin(), resampled.end(), side);
    return (1.0 + static_cast<double>(count)) / (1.0 + static_cast<double>(resampled.size()));
  };
  const double not_above = share([](double value) { return value <= kZero; });
  const double not_below = share([](double value) { return value >= -kZero; });
  return std::min(1.0, 2.0 * std::min(not_above, not_below));
}

using Index = std::unordered_map<std::string, size_t>;

// The run's values in the order of `questions`, whose rows `first` has.
Result<std::vector<const Row*>> InOrder(const RunRows& run, const RunRows& first, const Index& questions) {
  std::vector<const Row*> rows(questions.size(), nullptr);
  for (const Row& row : run.rows) {
    const auto at = questions.find(row.id);
    if (at == questions.end()) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("question `{}` of `{}` is not in `{}`: evaluate both on the same questions", row.id,
                               run.path, first.path));
    }
    if (row.question != first.rows[at->second].question) {
      return Error(ErrorCode::kInvalidArgument,
                   fmt::format("question `{}` is not the same in `{}` and `{}`", row.id, first.path, run.path));
    }
    rows[at->second] = &row;
  }
  const auto missing = std::find(rows.begin(), rows.end(), nullptr);
  if (missing != rows.end()) {
    return Error(
        ErrorCode::kInvalidArgument,
        fmt::format("question `{}` of `{}` is not in `{}` ({} are missing): evaluate both on the same questions",
                    first.rows[static_cast<size_t>(missing - rows.begin())].id, first.path, run.path,
                    std::count(rows.begin(), rows.end(), nullptr)));
  }
  return rows;
}

// One table a measure.
Result<std::vector<Table>> Tables(const std::vector<RunRows>& runs, const RunRows& first, const Index& questions) {
  std::vector<Table> tables(MeasureNames().size());
  for (const RunRows& run : runs) {
    JADE_ASSIGN_OR_RETURN(const auto rows, InOrder(run, first, questions));
    for (size_t measure = 0; measure < tables.size(); ++measure) {
      std::vector<double>& values = tables[measure].emplace_back();
      for (const Row* row : rows) values.push_back(row->measures[measure]);
    }
  }
  return tables;
}

}  // namespace

std::vector<Difference> PairedBootstrap(const std::vector<Table>& a, const std::vector<Table>& b,
                                        const CompareOptions& options) {
  const size_t questions = a.front().front().size();
  std::vector<Difference> differences(a.size());
  const std::vector<double> once(questions, 1.0);
  for (size_t i = 0; i < a.size(); ++i) {
    differences[i].mean_a = WeightedMean(a[i], std::vector<double>(a[i].size(), 1.0), once);
    differences[i].mean_b = WeightedMean(b[i], std::vector<double>(b[i].size(), 1.0), once);
    differences[i].difference = differences[i].mean_b - differences[i].mean_a;
  }
  data::Rng rng(options.seed);
  std::vector<double> drawn(questions);
  std::vector<double> runs_a(a.front().size());
  std::vector<double> runs_b(b.front().size());
  std::vector<std::vector<double>> resampled(a.size());
  for (uint64_t i = 0; i < options.resamples; ++i) {
    Draw(rng, &drawn);
    Draw(rng, &runs_a);
    Draw(rng, &runs_b);
    for (size_t m = 0; m < a.size(); ++m) {
      resampled[m].push_back(WeightedMean(b[m], runs_b, drawn) - WeightedMean(a[m], runs_a, drawn));
    }
  }
  for (size_t i = 0; i < a.size(); ++i) {
    std::sort(resampled[i].begin(), resampled[i].end());
    differences[i].low = Quantile(resampled[i], (1 - kLevel) / 2);
    differences[i].high = Quantile(resampled[i], (1 + kLevel) / 2);
    differences[i].p = PValue(resampled[i]);
  }
  return differences;
}

Result<Comparison> Compare(const std::vector<RunRows>& a, const std::vector<RunRows>& b,
                           const CompareOptions& options) {
  if (a.empty() || b.empty() || options.resamples == 0) {
    return Error(ErrorCode::kInvalidArgument, "a comparison needs a run of each system and a resample");
  }
  const RunRows& first = a.front();
  Index questions;
  for (const Row& row : first.rows) questions.emplace(row.id, questions.size());
  JADE_ASSIGN_OR_RETURN(const auto tables_a, Tables(a, first, questions));
  JADE_ASSIGN_OR_RETURN(const auto tables_b, Tables(b, first, questions));
  Comparison comparison{.questions = questions.size(), .runs_a = a.size(), .runs_b = b.size(), .differences = {}};
  comparison.differences = PairedBootstrap(tables_a, tables_b, options);
  for (size_t i = 0; i < MeasureNames().size(); ++i) comparison.differences[i].measure = MeasureNames()[i];
  return comparison;
}

std::string ComparisonJson(const Comparison& comparison, const CompareOptions& options) {
  nlohmann::ordered_json measures = nlohmann::ordered_json::object();
  for (const Difference& one : comparison.differences) {
    measures[one.measure] = {{"n", comparison.questions},
                             {"mean_a", one.mean_a},
                             {"mean_b", one.mean_b},
                             {"difference", one.difference},
                             {"low", one.low},
                             {"high", one.high},
                             {"p", one.p}};
  }
  return nlohmann::ordered_json{{"questions", comparison.questions},
                                {"runs_a", comparison.runs_a},
                                {"runs_b", comparison.runs_b},
                                {"resamples", options.resamples},
                                {"seed", options.seed},
                                {"level", kLevel},
                                {"measures", measures}}
      .dump();
}

}  // namespace jade::eval
