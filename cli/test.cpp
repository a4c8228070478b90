// jade test: the `test` blocks of .jade files, on scripted replies.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/run_view.h"
#include "cli/terminal.h"
#include "cli/tier.h"
#include "runtime/session/test_runner.h"

namespace jade::cli {
namespace {

struct Options {
  std::vector<std::string> files;
  session::TestOptions run;
  TierChoice tier;
  bool json = false;
};

struct Totals {
  int passed = 0;
  int failed = 0;
};

nlohmann::json TestJson(const std::string& file, const session::TestResult& test) {
  nlohmann::json failures = nlohmann::json::array();
  for (const auto& failure : test.failures) {
    failures.push_back({{"place", PlaceText(failure.place.file, failure.place.span)},
                        {"expected", failure.place.message},
                        {"left", failure.left},
                        {"right", failure.right}});
  }
  return {{"file", file},
          {"name", test.name},
          {"passed", test.passed()},
          {"failures", failures},
          {"trap", test.trap ? test.trap->ToString() : ""},
          {"unused_replies", test.unused_replies}};
}

int Test(const Options& options) {
  const Style style = Style::For(stdout);
  const auto code = MakeCode(options.tier);
  if (!code.ok()) return Fail(code.error());
  session::TestOptions run = options.run;
  run.code = code->get();
  Totals totals;
  nlohmann::json list = nlohmann::json::array();
  int status = kFine;
  for (const std::string& file : options.files) {
    int loaded = kFine;
    const auto program = LoadProgram(file, {}, &loaded);
    if (program == nullptr) {
      status = loaded;
      continue;
    }
    for (const auto& test : session::RunTests(program, run)) {
      ++(test.passed() ? totals.passed : totals.failed);
      if (options.json) {
        list.push_back(TestJson(file, test));
        continue;
      }
      fmt::print("{}{}{}  {}: {}\n", test.passed() ? style.green : style.red, test.passed() ? "ok    " : "FAILED",
                 style.reset, file, test.name);
      fmt::print("{}", FailureText(test));
    }
  }
  if (options.json) {
    fmt::print("{}\n", list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    fmt::print("{} passed, {} failed\n", totals.passed, totals.failed);
  }
  if (totals.failed > 0) status = kInputErrors;
  return status;
}

}  // namespace

void AddTestCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* test = app.add_subcommand("test", "Run the `test` blocks of .jade files; no model needed");
  test->footer("Examples:\n  jade test workflows/*.jade\n  jade test solve.jade --filter malformed");
  test->add_option("FILE", options->files, ".jade files")->required();
  test->add_option("--filter", options->run.filter, "only tests whose name contains this");
  test->add_option("--shuffle", options->run.shuffle_seed, "deliver replies in an order drawn from this seed");
  AddTierOptions(*test, &options->tier);
  test->add_flag("--json", options->json, "print a JSON array");
  test->callback([options, &invocation] { invocation.action = [options] { return Test(*options); }; });
}

}  // namespace jade::cli
