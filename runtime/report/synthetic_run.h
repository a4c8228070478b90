#pragma once
// For tests: a run folder as training would leave it, from a seed. The figures look like those of a run, no more.

#include <cstdint>
#include <string>

#include "compiler/result/result.h"

namespace jade::report {

struct SyntheticRun {
  std::string name = "joint-1";
  std::string arm = "joint";
  uint64_t seed = 1;
  int64_t steps = 200;
  double gain = 0.25;  // of F1 over the run
  double alpha = 0;
  double beta = 0;
  bool collapses = false;   // entropy and validity of a role fall in the second half
  std::string sample_text;  // replaces an action of the samples when it is not empty
};

Status WriteSyntheticRun(const std::string& folder, const SyntheticRun& run);

}  // namespace jade::report
