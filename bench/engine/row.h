#pragma once
// A line of what `jade bench engine` reports: a figure beside the most that the machine could make of it. Values.

#include <string>
#include <vector>

namespace jade::bench {

struct EngineRow {
  std::string name;             // "engine.decode.b8.tok_s"; stable
  double value = 0;             // the median of the samples
  std::string unit;             // "tokens/s"
  std::vector<double> samples;  // one a repetition, in the order they were taken
  double limit = 0;             // in the same unit; 0: none is known
  std::string limit_by;         // "arithmetic" or "memory": what the limit comes from
  std::string note;             // with what settings the best was reached; may be empty
  double Best() const;          // the largest sample, of seconds the least
  double ShareOfLimit() const;  // 0 where no limit is known
};

// A row whose value is the median of `samples`; none are no row.
EngineRow MakeRow(std::string name, std::string unit, std::vector<double> samples);

}  // namespace jade::bench
