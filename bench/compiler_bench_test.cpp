#include "bench/compiler_bench.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace jade::bench {
namespace {

// What the figures are depends on the machine; that each is measured does not.
TEST(CompilerBenchTest, MeasuresEveryFigureOnce) {
  const auto figures = BenchCompiler({.samples = 20, .runs = 20, .suspended_runs = 5000, .front_end_rounds = 2});
  ASSERT_TRUE(figures.ok()) << figures.error().ToString();
  std::set<std::string> names;
#ifdef __SANITIZE_ADDRESS__
  const bool counted = false;  // the sanitizer's heap tells glibc nothing
#else
  const bool counted = true;
#endif
  for (const Figure& figure : *figures) {
    EXPECT_TRUE(figure.value > 0 || (!counted && figure.unit == "bytes")) << figure.name;
    EXPECT_FALSE(figure.unit.empty()) << figure.name;
    EXPECT_TRUE(names.insert(figure.name).second) << figure.name;
  }
  EXPECT_TRUE(names.contains("plan.fresh.us.p50"));
}

}  // namespace
}  // namespace jade::bench
