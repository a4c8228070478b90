// jade bench compiler

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "bench/compiler_bench.h"
#include "cli/command.h"

namespace jade::cli {
namespace {

struct BenchOptions {
  bool json = false;
};

int BenchCompiler(const BenchOptions& options) {
  const auto figures = bench::BenchCompiler({});
  if (!figures.ok()) return Fail(figures.error());
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const bench::Figure& figure : *figures) {
    if (options.json) {
      list.push_back({{"name", figure.name}, {"value", figure.value}, {"unit", figure.unit}});
    } else {
      fmt::print("{:<26} {:>12.2f} {}\n", figure.name, figure.value, figure.unit);
    }
  }
  if (options.json) fmt::print("{}\n", list.dump());
  return kFine;
}

}  // namespace

void AddBenchCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* bench = app.add_subcommand("bench", "Measure JADE on this machine");
  bench->require_subcommand(1);
  CLI::App* compiler =
      bench->add_subcommand("compiler", "Plans from text to their first call, calls without a model, the front end");
  compiler->footer(
      "Examples:\n  jade bench compiler\n  jade bench compiler --json | jq '.[] | select(.unit == \"us\")'");
  compiler->add_flag("--json", options->json, "print a JSON array of {\"name\", \"value\", \"unit\"}");
  compiler->callback([options, &invocation] { invocation.action = [options] { return BenchCompiler(*options); }; });
}

}  // namespace jade::cli
