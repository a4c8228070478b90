#pragma once
// The results of a queue of runs: ablation.json. Values.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "compiler/result/result.h"

namespace jade::report {

inline constexpr double kAbsent = std::numeric_limits<double>::quiet_NaN();

struct AblationRow {
  std::string arm;
  int64_t seed = 0;
  double lr = kAbsent;
  double dev_f1 = kAbsent;
  double test_f1 = kAbsent;
  double test_em = kAbsent;
  double turns = kAbsent;
  double retrievals = kAbsent;
  double valid_min = kAbsent;  // of the role with the least
  bool chosen = false;         // its settings are the ones that were chosen for the arm: means are of these alone
};

// Paired over seeds and questions: a − b, with an interval.
struct Comparison {
  std::string a;
  std::string b;
  double difference = 0;
  double low = 0;
  double high = 0;
};

struct Ablation {
  std::vector<AblationRow> rows;
  std::vector<Comparison> comparisons;
};

// Reads `path`. Rows and comparisons that lack what they need become problems ("path: row 3: …").
Result<Ablation> ReadAblation(const std::string& path, std::vector<std::string>* problems);

// The ablation.json in one of the folders or in the folder that holds it; empty when there is none.
std::string FindAblation(const std::vector<std::string>& folders);

}  // namespace jade::report
