// Commands about runs and what they left.

#include <fmt/format.h>

#include "cli/repl/commands.h"
#include "cli/run_view.h"
#include "cli/trace_tree.h"

namespace jade::repl {

void TraceCommand(Context& context, std::string_view argument) {
  if (!argument.empty() && argument != "full") {
    context.console.Wrong("`:trace` shows the last run, `:trace full` with prompts and replies");
    return;
  }
  const session::FinishedRun* last = context.evaluator.last();
  if (last == nullptr) {
    context.console.Note("no run has made calls yet");
    return;
  }
  trace::RunRecord run = last->run;
  if (last->trap) {
    abi::Trap trap = *last->trap;
    context.workspace.Translate(&trap.file, &trap.span);
    run.trap_json = trap.ToJson();
  }
  context.console.Result(cli::TraceTree(run, last->calls, context.console.style(), argument == "full"));
}

void TimeCommand(Context& context, std::string_view argument) {
  Evaluate(context, InputFile(context, std::string(argument)), /*timed=*/true);
}

void TestCommand(Context& context, std::string_view argument) {
  session::TestOptions options;
  options.filter = std::string(argument);
  const cli::Style& style = context.console.style();
  int passed = 0;
  int failed = 0;
  for (session::TestResult& test : session::RunTests(context.workspace.program(), options)) {
    for (session::FailedExpectation& failure : test.failures) {
      context.workspace.Translate(&failure.place.file, &failure.place.span);
    }
    if (test.trap) context.workspace.Translate(&test.trap->file, &test.trap->span);
    ++(test.passed() ? passed : failed);
    context.console.Result(fmt::format("{}{}{}  {}\n{}", test.passed() ? style.green : style.red,
                                       test.passed() ? "ok    " : "FAILED", style.reset, test.name,
                                       cli::FailureText(test)));
  }
  if (failed > 0) {
    context.console.Wrong(fmt::format("{} passed, {} failed", passed, failed));
  } else {
    context.console.Result(passed > 0 ? fmt::format("{} passed", passed) : "there is no such test");
  }
}

}  // namespace jade::repl
