// jade run: one run of a workflow, shown as it happens.

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/load.h"
#include "cli/run_view.h"
#include "cli/terminal.h"
#include "cli/tier.h"
#include "cli/trace_tree.h"
#include "cli/workbench.h"

namespace jade::cli {
namespace {

struct Options {
  std::string file;
  std::string workflow;
  std::vector<std::string> inputs;
  std::string config;
  TierChoice tier;
  uint64_t seed = 0;
  bool greedy = false;
  bool json = false;
  bool quiet = false;
  bool no_trace = false;
  WorkbenchOptions bench;
};

Result<std::map<std::string, std::string>> ReadInputs(const std::vector<std::string>& given) {
  std::map<std::string, std::string> inputs;
  for (const std::string& pair : given) {
    const size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("`-i {}`: an input is written NAME=VALUE", pair));
    }
    if (!inputs.emplace(pair.substr(0, equals), pair.substr(equals + 1)).second) {
      return Error(ErrorCode::kInvalidArgument, fmt::format("input `{}` is given twice", pair.substr(0, equals)));
    }
  }
  return inputs;
}

int Show(const session::FinishedRun& finished, bool as_json) {
  if (as_json) {
    nlohmann::json object = RunJson(finished.run);
    object["calls"] = nlohmann::json::array();
    for (const auto& call : finished.calls) object["calls"].push_back(CallJson(call));
    fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  if (finished.run.status == trace::RunStatus::kCancelled) {
    fmt::print(stderr, "jade: interrupted\n");
    return kInterrupted;
  }
  if (finished.trap) {
    const Style style = Style::For(stderr);
    fmt::print(stderr, "jade: {}trap:{} {}\n", style.red, style.reset,
               TrapText(*finished.trap, "`budget:` in the configuration raises it"));
    return kRunFailed;
  }
  if (!as_json) fmt::print("Answer: {}\n", finished.answer);
  return kFine;
}

int Run(const Options& options, const Invocation& invocation) {
  const std::atomic<bool>& cancel = *invocation.cancel;
  auto inputs = ReadInputs(options.inputs);
  if (!inputs.ok()) {
    Fail(inputs.error());
    return kUsage;
  }
  auto settings = ReadSettings(options.config, options.bench);
  if (!settings.ok()) return Fail(settings.error());
  int status = kFine;
  session::RunRequest request;
  const auto inputs_fit = [&](const session::Program& program) -> Status {
    JADE_ASSIGN_OR_RETURN(const auto workflow, program.FindWorkflow(options.workflow));
    JADE_ASSIGN_OR_RETURN(const auto params, session::BindParams(program, settings->params, {}));
    JADE_TRY(session::BindInputs(program, workflow, *inputs, params, {}));
    return {};
  };
  request.program = LoadProgramToRun({options.file, options.workflow, *settings, inputs_fit}, invocation, &status);
  if (request.program == nullptr) return status;
  request.workflow = options.workflow;
  request.inputs = std::move(*inputs);
  request.seed = options.seed;
  ApplySettings(*settings, options.greedy, &request);

  ProgressBar bar;
  auto bench = BuildWorkbench(*settings, *request.program, !options.no_trace, bar, cancel);
  if (!bench.ok()) return Fail(bench.error());
  Narrator narrator;
  if (!options.quiet) request.observer = &narrator;
  request.store = bench->store.get();
  const auto code = MakeCode(options.tier);
  if (!code.ok()) return Fail(code.error());
  request.code = code->get();
  session::FinishedRun finished;
  {
    session::Session session(bench->engine.get(), bench->Tools());
    auto run = session.Start(request);
    if (!run.ok()) return Fail(run.error());
    session.Drain(&cancel);
    finished = session.Take(*run);
  }
  Status recorded;
  if (bench->store != nullptr) recorded = bench->store->Flush();
  // The answer is worth showing also when it could not be recorded; the trap would say the same thing twice.
  const int shown = recorded.ok() || finished.value ? Show(finished, options.json) : kRunFailed;
  if (!recorded.ok()) return Fail(recorded.error());
  if (bench->store != nullptr && !options.quiet) {
    fmt::print(stderr, "recorded: jade trace show {}\n", finished.run.id);
  }
  return shown;
}

}  // namespace

void AddRunCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* run = app.add_subcommand("run", "Run a workflow and show its calls and answer");
  run->footer(
      "Examples:\n  jade run workflows/jade.jade -i question=\"Who wrote Dune?\"\n"
      "  jade run workflows/naive_rag.jade -i question=\"Who wrote Dune?\" --model smollm2-135m --greedy\n"
      "  jade run solve.jade --config solve.yaml --seed 7 --json | jq .value");
  run->add_option("FILE", options->file, ".jade file")->required();
  run->add_option("-i,--input", options->inputs, "an input of the workflow, NAME=VALUE");
  run->add_option("--workflow", options->workflow, "which workflow (default: the main one)");
  run->add_option("--config", options->config, "YAML file (docs/configuration.md)");
  run->add_option("--model", options->bench.model, "backbone: nano, a path, or a pulled model");
  run->add_option("--replies", options->bench.replies, "answer from a JSONL file in the place of a model");
  run->add_option("--corpus", options->bench.corpus, "what to search: atlas, an index, or a JSONL corpus");
  AddTierOptions(*run, &options->tier);
  run->add_option("--seed", options->seed, "of the run's random streams")->capture_default_str();
  run->add_flag("--greedy", options->greedy, "every role takes its most probable token");
  run->add_option("--trace", options->bench.store, "experience store to write");
  run->add_flag("--no-trace", options->no_trace, "record nothing");
  run->add_flag("-q,--quiet", options->quiet, "only the answer");
  run->add_flag("--json", options->json, "print the run and its calls as one JSON object");
  run->callback(
      [options, &invocation] { invocation.action = [options, &invocation] { return Run(*options, invocation); }; });
}

}  // namespace jade::cli
