#pragma once
// `jade report`: run folders in, one HTML page out. The page needs nothing else: no network, no files beside it, and it
// shows all its figures without its script. Values; one thread.

#include <optional>
#include <string>
#include <vector>

#include "compiler/result/result.h"
#include "runtime/report/ablation.h"
#include "runtime/report/run_data.h"

namespace jade::report {

struct Report {
  std::vector<RunData> runs;
  std::optional<Ablation> ablation;
  std::vector<std::string> problems;  // of all files, for people
};

// Reads the run folders `paths`, each a run or a folder of runs, and the ablation.json in or above them. kNotFound,
// kInvalidArgument or kIo when a folder is not a run; damaged lines only become problems.
Result<Report> ReadReport(const std::vector<std::string>& paths);

// The page. Every text of the runs is escaped, and a policy in the page forbids all scripts but its own and every
// request.
std::string Page(const Report& report);

}  // namespace jade::report
