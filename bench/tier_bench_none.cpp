#include "bench/tier_bench.h"

namespace jade::bench {

Result<std::vector<Figure>> BenchTiers(const CompilerBenchOptions&) {
  return std::vector<Figure>();
}

}  // namespace jade::bench
