// jade trace ls|show|export

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"
#include "cli/trace_tree.h"
#include "runtime/rollout/export.h"
#include "runtime/rollout/recorded_runs.h"
#include "runtime/trace/store.h"

namespace jade::cli {
namespace {

constexpr char kDefaultStore[] = ".jade/experience.db";

struct ListOptions {
  std::string store = kDefaultStore;
  trace::RunFilter filter;
  bool json = false;
};

struct ShowOptions {
  std::string store = kDefaultStore;
  std::string run = "last";
  bool full = false;
  bool json = false;
};

struct ExportCommand {
  std::string store = kDefaultStore;
  std::string output;
  trace::RunFilter filter;
  double failed_reward = 0;
  bool json = false;
};

std::string LocalTime(int64_t unix_us) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::localtime(static_cast<std::time_t>(unix_us / 1'000'000)));
}

int List(const ListOptions& options) {
  auto reader = trace::StoreReader::Open(options.store);
  if (!reader.ok()) return Fail(reader.error());
  const auto runs = (*reader)->Runs(options.filter);
  if (!runs.ok()) return Fail(runs.error());
  if (options.json) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& run : *runs) list.push_back(RunJson(run));
    fmt::print("{}\n", list.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return kFine;
  }
  const Style style = Style::For(stdout);
  for (const auto& run : *runs) {
    fmt::print("{}{}{}  {}  {}{:10}{}  {:>8}  {:2} calls  {:5} tokens  {}  {}\n", style.cyan, run.id, style.reset,
               LocalTime(run.started_unix_us), StatusColour(run.status, style), trace::RunStatusName(run.status),
               style.reset, HumanDuration(static_cast<double>(run.elapsed_us) / 1e6), run.calls, run.tokens,
               run.workflow, OneLine(FirstInput(run), 60));
  }
  if (runs->empty()) fmt::print("no runs\n");
  return kFine;
}

int Show(const ShowOptions& options) {
  auto reader = trace::StoreReader::Open(options.store);
  if (!reader.ok()) return Fail(reader.error());
  const auto run = (*reader)->Run(options.run);
  if (!run.ok()) return Fail(run.error());
  const auto calls = (*reader)->Calls(run->id);
  if (!calls.ok()) return Fail(calls.error());
  if (options.json) {
    nlohmann::json object = RunJson(*run);
    object["calls"] = nlohmann::json::array();
    for (const auto& call : *calls) object["calls"].push_back(CallJson(call));
    fmt::print("{}\n", object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return kFine;
  }
  fmt::print("{}", TraceTree(*run, *calls, Style::For(stdout), options.full));
  return kFine;
}

int Export(const ExportCommand& command) {
  auto reader = trace::StoreReader::Open(command.store);
  if (!reader.ok()) return Fail(reader.error());
  const auto batch = rollout::BatchOfRecordedRuns(**reader, command.filter, command.failed_reward);
  if (!batch.ok()) return Fail(batch.error());
  if (const Status written = rollout::ExportBatch(*batch, command.output); !written.ok()) return Fail(written.error());
  int64_t left_out = 0;
  for (const auto& [role, of] : batch->left_out) left_out += of.too_long + of.unfinished;
  if (command.json) {
    const nlohmann::ordered_json summary{{"output", command.output},
                                         {"runs", batch->runs.size()},
                                         {"transitions", batch->transitions.size()},
                                         {"left_out", left_out},
                                         {"prompt_tokens", batch->observation_tokens()},
                                         {"response_tokens", batch->action_tokens()}};
    fmt::print("{}\n", summary.dump());
    return kFine;
  }
  fmt::print("{0}.safetensors, {0}.json: {1} runs, {2} transitions, {3} prompt and {4} response tokens\n",
             command.output, batch->runs.size(), batch->transitions.size(), batch->observation_tokens(),
             batch->action_tokens());
  if (left_out > 0)
    fmt::print(stderr, "left out: {} calls that failed, were cancelled or have no token ids\n", left_out);
  return kFine;
}

}  // namespace

void AddTraceCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("trace", "Look at recorded runs, take them elsewhere");
  command->require_subcommand(1);
  command->footer(
      "Examples:\n  jade trace ls\n  jade trace show last\n  jade trace show 064c --full\n"
      "  jade trace show last --json | jq '.calls[].role'\n  jade trace export -o batch");

  auto list = std::make_shared<ListOptions>();
  CLI::App* ls = command->add_subcommand("ls", "List runs, newest first");
  ls->add_option("--trace", list->store, "experience store")->capture_default_str();
  ls->add_option("-n,--limit", list->filter.limit, "how many")->check(CLI::Range(1, 1'000'000))->capture_default_str();
  ls->add_option("--workflow", list->filter.workflow, "only runs of this workflow");
  ls->add_flag("--failed", list->filter.only_failed, "only runs that trapped, were cancelled or are unfinished");
  ls->add_flag("--json", list->json, "print a JSON array");
  ls->callback([list, &invocation] { invocation.action = [list] { return List(*list); }; });

  auto show = std::make_shared<ShowOptions>();
  CLI::App* show_command = command->add_subcommand("show", "Show one run as a tree of calls");
  show_command->add_option("RUN", show->run, "run id, a prefix of it, or `last`")->capture_default_str();
  show_command->add_option("--trace", show->store, "experience store")->capture_default_str();
  show_command->add_flag("--full", show->full, "whole prompts and replies");
  show_command->add_flag("--json", show->json, "print one JSON object");
  show_command->callback([show, &invocation] { invocation.action = [show] { return Show(*show); }; });

  auto exported = std::make_shared<ExportCommand>();
  exported->filter.limit = 1'000'000;
  CLI::App* export_command = command->add_subcommand("export", "Write runs as a batch of transitions (docs/export.md)");
  export_command->add_option("-o,--output", exported->output, "writes OUTPUT.safetensors and OUTPUT.json")->required();
  export_command->add_option("--trace", exported->store, "experience store")->capture_default_str();
  export_command->add_option("-n,--limit", exported->filter.limit, "the newest runs, how many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  export_command->add_option("--workflow", exported->filter.workflow, "only runs of this workflow");
  export_command->add_option("--failed-reward", exported->failed_reward, "of a run without a team reward")
      ->capture_default_str();
  export_command->add_flag("--json", exported->json, "print a summary as JSON");
  export_command->callback([exported, &invocation] { invocation.action = [exported] { return Export(*exported); }; });
}

}  // namespace jade::cli
