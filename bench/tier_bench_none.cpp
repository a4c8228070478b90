#include "bench/tier_bench.h"

namespace jade::bench {

Result<std::vector<Figure>> BenchTiers() {
  return std::vector<Figure>();
}

Result<std::unique_ptr<interp::CodeSource>> MakeCompiledCode() {
  return std::unique_ptr<interp::CodeSource>();
}

}  // namespace jade::bench
