#pragma once
// Runs of one arm that differ in their seed are drawn as one line with a band. Values; pure.

#include <span>
#include <string>
#include <vector>

#include "runtime/report/run_data.h"

namespace jade::report {

// What several curves have in common at each step: their mean and their range.
struct Band {
  std::vector<double> x;
  std::vector<double> mean;
  std::vector<double> low;
  std::vector<double> high;
  bool empty() const { return x.empty(); }
};

struct Arm {
  std::string name;
  std::vector<const RunData*> runs;

  // Of the runs that have the tag; empty when none has.
  Band Figures(const std::string& tag) const;
  bool Has(const std::string& tag) const;
};

// By the runs' `arm`, in the order of their first run; the arms point into `runs`. Runs without an arm, and runs of one
// arm with the same seed, which are no repetitions of each other, stand alone under their own names.
std::vector<Arm> GroupByArm(std::span<const RunData> runs);

// At each step that any of them has, over those that have it.
Band Combine(const std::vector<const Curve*>& curves);

// Each mean becomes the mean of those around it, of about a twentieth of all; the range is smoothed alike. Fewer than
// forty points stay as they are.
Band Smoothed(const Band& band);

// At most about `most` points, each the mean of its neighbours, with their whole range.
Band Thinned(const Band& band, size_t most);

}  // namespace jade::report
