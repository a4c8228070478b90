#pragma once
// A run folder as it was read (docs/training-report.md), and the results of a queue of runs. Values.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/metrics/run_files.h"

namespace jade::report {

struct Point {
  double step = 0;
  double value = 0;
};
using Curve = std::vector<Point>;  // steps rise; values are finite

struct PlansAt {
  int64_t step = 0;
  std::string split;
  metrics::Plans plans;
};

struct SampleAt {
  int64_t step = 0;
  metrics::Sample sample;
};

struct RunData {
  std::string folder;
  metrics::RunDescription about;
  std::map<std::string, Curve> curves;  // by tag
  int64_t last_step = 0;
  double seconds = 0;  // since the start, at the last step
  std::vector<PlansAt> plans;
  std::vector<SampleAt> samples;
  std::vector<metrics::Alarm> alarms;
  // "file:line: what is wrong with it", for people; what could be read is above.
  std::vector<std::string> problems;
};

// The run folders that `path` names: itself when it holds metrics.jsonl, else those directly in it, by name. kNotFound
// when there are none.
Result<std::vector<std::string>> FindRuns(const std::string& path);

// Reads a run folder. What is damaged or missing becomes a problem; fails only when metrics.jsonl cannot be opened. At
// most a million lines a file and 4096 tags are read.
Result<RunData> ReadRun(const std::string& folder);

}  // namespace jade::report
