#pragma once
// jade eval --compare: two systems on the same questions, from the rows that `jade eval --rows` wrote of each.

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "runtime/eval/compare.h"

namespace jade::cli {

struct CompareRequest {
  std::vector<std::string> systems;  // A and B: each a file, several after commas, or a pattern (`runs/a-*.jsonl`)
  eval::CompareOptions options;
  bool json = false;
};

// --compare and --resamples. `alone`: the options of an evaluation that a comparison does not take.
void AddCompareOptions(CLI::App& eval, const std::vector<CLI::Option*>& alone, CompareRequest* request);

// Prints the comparison; the exit status.
int CompareRows(const CompareRequest& request);

}  // namespace jade::cli
