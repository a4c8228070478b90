// jade_differential [--programs N] [--seed N] [--tiers-every N] [--no-shrink] [--kernels N]: generates programs from
// consecutive seeds and holds each to the oracle; every N-th one runs in compiled code too. --show prints the program
// of a seed instead.
// --kernels does the same for functions of JIR without calls (kernel.h). Exit status 1 when one fails; the first
// program that does is shrunk.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/differential/configurations.h"
#include "tests/differential/kernel.h"
#include "tests/differential/oracle.h"
#include "tests/differential/program_generator.h"

namespace jade::differential {
namespace {

struct Options {
  uint64_t seed = 1;
  uint64_t programs = 100;
  uint64_t kernels = 0;
  uint64_t tiers_every = 1;
  bool show = false;
  bool shrink = true;
};

struct Totals {
  uint64_t trapped = 0;
  uint64_t disturbed = 0;
  uint64_t calls = 0;
  uint64_t plans = 0;
  void Add(const Seen& seen) {
    trapped += seen.trapped ? 1 : 0;
    disturbed += seen.disturbed ? 1 : 0;
    calls += seen.calls;
    plans += seen.plans;
  }
};

void Report(const GeneratedProgram& program, const Failure& failure, bool shrink, CodeSources& code) {
  fmt::print("FAILED seed {} ({}):\n{}\n{}", program.seed, failure.what, program.text, failure.details);
  if (shrink && failure.what != "generator") {
    GeneratedProgram small = program;
    small.text = Shrink(program, failure, code);
    const std::optional<Failure> again = Check(small, code, {.tiers = true});
    fmt::print("\nshrunk, with the inputs and replies of the seed:\n{}\n{}", small.text, again ? again->details : "");
    for (const auto& [name, value] : program.inputs) fmt::print("input {} = {}\n", name, value);
  }
  fmt::print("\nagain: jade_differential --programs 1 --seed {}\n", program.seed);
  std::fflush(stdout);
}

int Main(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  CodeSources code;
  Totals totals;
  uint64_t failed = 0;
  for (uint64_t i = 0; i < options.programs; ++i) {
    const GeneratedProgram program = GenerateProgram(options.seed + i);
    if (options.show) {
      fmt::print("{}", program.text);
      continue;
    }
    Seen seen;
    const bool tiers = options.tiers_every > 0 && i % options.tiers_every == 0 && CodeSources::Available();
    if (const std::optional<Failure> failure = Check(program, code, {.tiers = tiers, .seen = &seen})) {
      Report(program, *failure, options.shrink && failed == 0, code);
      ++failed;
    }
    totals.Add(seen);
    if ((i + 1) % 500 == 0) {
      fmt::print(stderr, "{} programs, {} failed, {:.0f} a second\n", i + 1, failed,
                 static_cast<double>(i + 1) / seconds());
    }
  }
  if (options.show) return 0;
  for (uint64_t i = 0; i < options.kernels; ++i) {
    const bool tiers = options.tiers_every > 0 && i % options.tiers_every == 0 && CodeSources::Available();
    const std::optional<std::string> failure = CheckKernel(options.seed + i, code, tiers);
    if (!failure) continue;
    fmt::print("FAILED {}\nagain: jade_differential --programs 0 --kernels 1 --seed {}\n", *failure, options.seed + i);
    ++failed;
  }
  fmt::print("{} kernels, {} programs, {} failed; {} trapped, {} disturbed, {} calls, {} plans accepted\n",
             options.kernels, options.programs, failed, totals.trapped, totals.disturbed, totals.calls, totals.plans);
  return failed == 0 ? 0 : 1;
}

int Usage() {
  fmt::print(
      stderr,
      "usage: jade_differential [--programs N] [--seed N] [--kernels N] [--tiers-every N] [--no-shrink] [--show]\n");
  return 2;
}

}  // namespace
}  // namespace jade::differential

int main(int argc, char** argv) {
  jade::differential::Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const auto number = [&](uint64_t* value) {
      return ++i < argc && (*value = std::strtoull(argv[i], nullptr, 10), true);
    };
    if (argument == "--show") {
      options.show = true;
      options.programs = 1;
    } else if (argument == "--no-shrink") {
      options.shrink = false;
    } else {
      uint64_t* value = argument == "--programs"      ? &options.programs
                        : argument == "--kernels"     ? &options.kernels
                        : argument == "--seed"        ? &options.seed
                        : argument == "--tiers-every" ? &options.tiers_every
                                                      : nullptr;
      if (value == nullptr || !number(value)) return jade::differential::Usage();
    }
  }
  return jade::differential::Main(options);
}
