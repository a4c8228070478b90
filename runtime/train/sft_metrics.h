#pragma once
// The metrics file of a run. One thread.

#include <fstream>
#include <string>

#include "compiler/result/result.h"
#include "runtime/train/evaluation.h"

namespace jade::train {

struct StepMetrics {
  int64_t step = 0;
  int64_t tokens = 0;
  std::string stage;
  double loss = 0;
  double lr = 0;
  double grad_norm = 0;
  double tokens_per_second = 0;
};

class SftMetrics {
 public:
  // Opens for appending, first dropping what was written after `last_step` by a run that was cut off.
  static Result<SftMetrics> Open(const std::string& path, int64_t last_step);

  Status Add(const StepMetrics& metrics);
  Status AddDev(int64_t step, int64_t tokens, const DevScore& score);

 private:
  Status Write(const std::string& line);
  std::string path_;
  std::ofstream file_;
};

}  // namespace jade::train
