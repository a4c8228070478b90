// jade sft

#include "runtime/train/sft.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"

namespace jade::cli {
namespace {

struct Options {
  std::string config;
  bool resume = false;
  bool json = false;
};

nlohmann::ordered_json SummaryJson(const train::SftSummary& summary) {
  nlohmann::ordered_json json{
      {"output", summary.output}, {"interrupted", summary.interrupted}, {"parameters", summary.parameters},
      {"steps", summary.steps},   {"tokens", summary.tokens},           {"seconds", summary.seconds},
      {"loss", summary.loss}};
  if (summary.has_dev) {
    json["dev"] = {{"loss", summary.dev_loss}, {"match", summary.dev_match}, {"by_role", summary.dev_match_by_role}};
  }
  return json;
}

int Train(const Options& options, const std::atomic<bool>* cancel) {
  const auto config = train::LoadSftConfig(options.config);
  if (!config.ok()) return Fail(config.error());
  train::SftOptions sft;
  sft.resume = options.resume;
  sft.cancel = cancel;
  ProgressBar bar;
  const auto summary = train::RunSft(*config, bar, sft);
  if (!summary.ok()) return Fail(summary.error());
  if (options.json) {
    fmt::print("{}\n", SummaryJson(*summary).dump());
  } else if (summary->interrupted) {
    fmt::print(stderr, "interrupted at step {}: `jade sft {} --resume` goes on from there\n", summary->steps,
               options.config);
  } else {
    fmt::print("{}: {} parameters, {} steps, {} tokens in {}, loss {:.4f}\n", summary->output,
               HumanCount(static_cast<uint64_t>(summary->parameters)), summary->steps,
               HumanCount(static_cast<uint64_t>(summary->tokens)), HumanDuration(summary->seconds), summary->loss);
  }
  return summary->interrupted ? kInterrupted : kFine;
}

}  // namespace

void AddSftCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* sft = app.add_subcommand("sft", "Train a backbone on role demonstrations");
  sft->footer(
      "Examples:\n  jade sft models/nano/sft.yaml\n  jade sft models/nano/sft.yaml --resume\n"
      "Configuration: docs/training.md");
  auto options = std::make_shared<Options>();
  sft->add_option("CONFIG", options->config, "YAML file")->required();
  sft->add_flag("--resume", options->resume, "go on from the run's checkpoint when there is one");
  sft->add_flag("--json", options->json, "print the summary as JSON");
  sft->callback([options, &invocation] {
    invocation.action = [options, &invocation] { return Train(*options, invocation.cancel); };
  });
}

}  // namespace jade::cli
