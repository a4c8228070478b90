// jade train

#include <memory>

#include "cli/backbone.h"
#include "cli/command.h"

namespace jade::cli {

void AddTrainCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* train = app.add_subcommand("train", "Train planner and executors together on questions");
  train->footer(
      "Examples:\n  jade train data/train/joint.yaml --dry-run\n  jade train data/train/joint.yaml\n"
      "  jade train data/train/joint.yaml --resume\n"
      "  torchrun --nproc-per-node 2 --no-python jade train data/train/joint.yaml   (docs/distributed.md)\n"
      "Configuration: docs/training.md. Ctrl-C leaves a checkpoint; `jade report RUN` shows what came of it.");
  auto options = std::make_shared<TrainCommand>();
  train->add_option("CONFIG", options->config, "YAML file: settings and a map `train`")->required();
  train->add_flag("--resume", options->resume, "go on from the run's checkpoint when there is one");
  train->add_flag("--dry-run", options->dry_run, "say what a step takes, from a small one that is thrown away");
  train->add_option("--stop-after", options->stop_after, "stop with a checkpoint after this many steps (0: no)");
  train->add_flag("--json", options->json, "print the summary as JSON");
  AddTierOptions(*train, &options->tier);
  train->callback([options, &invocation] {
    invocation.action = [options, &invocation] {
      if (Status entered = EnterBackbone(invocation.arguments); !entered.ok()) return Fail(entered.error());
      return RunTrainCommand(*options, invocation);
    };
  });
}

}  // namespace jade::cli
