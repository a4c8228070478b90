// jade sft

#include <memory>

#include "cli/backbone.h"
#include "cli/command.h"

namespace jade::cli {

void AddSftCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* sft = app.add_subcommand("sft", "Train a backbone on role demonstrations");
  sft->footer(
      "Examples:\n  jade sft models/nano/sft.yaml\n  jade sft models/nano/sft.yaml --resume\n"
      "Configuration: docs/training.md");
  auto options = std::make_shared<SftCommand>();
  sft->add_option("CONFIG", options->config, "YAML file")->required();
  sft->add_flag("--resume", options->resume, "go on from the run's checkpoint when there is one");
  sft->add_flag("--json", options->json, "print the summary as JSON");
  sft->callback([options, &invocation] {
    invocation.action = [options, &invocation] {
      if (Status entered = EnterBackbone(invocation.arguments); !entered.ok()) return Fail(entered.error());
      return RunSftCommand(*options, invocation.cancel);
    };
  });
}

}  // namespace jade::cli
