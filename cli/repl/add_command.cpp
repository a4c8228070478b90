// jade repl

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

#include "cli/backbone.h"
#include "cli/command.h"
#include "cli/repl/prompt.h"
#include "cli/repl/terminal_reader.h"
#include "cli/repl/text_reader.h"
#include "cli/repl/workbench_equipment.h"
#include "cli/retriever.h"
#include "runtime/assets/assets.h"

namespace jade::cli {
namespace {

struct Options {
  std::string file;
  std::string config;
  uint64_t seed = 0;
  bool greedy = false;
  bool echo = false;
  bool no_trace = false;
  WorkbenchOptions bench;
};

// Whether this process can run models. A prompt without them is still good for everything else.
Status EnterModels(const settings::Settings& settings, const Invocation& invocation) {
  const settings::Backbone& backbone = settings.backbone;
  const bool vectors = NeedsBackbone(settings.retriever);
  if (backbone.is_remote()) return vectors ? EnterBackbone(invocation.arguments) : Status();
  if (backbone.is_script()) {
    if (vectors) return EnterBackbone(invocation.arguments);
    return Error(ErrorCode::kUnavailable, "a session that began with `--replies` runs no models: begin one without");
  }
  if (auto model = assets::FindModel(backbone.model); !model.ok()) return model.error();
  Status entered = EnterBackbone(invocation.arguments);
  if (entered.ok()) return entered;
  return Error(entered.error().code(), entered.error().message() + "; `:set replies FILE` runs without a model");
}

int Repl(const Options& options, const Invocation& invocation) {
  auto settings = ReadSettings(options.config, options.bench);
  if (!settings.ok()) return Fail(settings.error());
  Status models = EnterModels(*settings, invocation);
  repl::WorkbenchEquipment equipment(std::move(models), *invocation.cancel);
  repl::Setup setup;
  setup.settings = std::move(*settings);
  setup.seed = options.seed;
  setup.greedy = options.greedy;
  setup.record = !options.no_trace;
  auto load = equipment.LoadOptions(setup);
  if (!load.ok()) return Fail(load.error());
  repl::Context context(equipment, std::move(setup), std::move(*load), *invocation.cancel);
  if (!options.file.empty() && !repl::LoadFile(context, options.file) && isatty(STDIN_FILENO) == 0) {
    return kInputErrors;
  }
  if (isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1) {
    const auto reader = repl::MakeTerminalReader(context);
    context.console.Note("jade " JADE_VERSION "; `:help` shows what can be typed, Ctrl-D leaves");
    return repl::RunPrompt(context, *reader);
  }
  repl::TextReader reader({.echo = options.echo}, *invocation.cancel);
  return repl::RunPrompt(context, reader);
}

}  // namespace

void AddReplCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* repl = app.add_subcommand("repl", "Try declarations, expressions and plans at a prompt");
  repl->footer(
      "Examples:\n  jade repl\n  jade repl workflows/jade.jade --replies replies.jsonl\n"
      "  jade repl --echo < session.txt\n  echo '1 + 2' | jade repl");
  repl->add_option("FILE", options->file, ".jade file to begin with");
  repl->add_option("--config", options->config, "YAML file (docs/configuration.md)");
  repl->add_option("--model", options->bench.model, "backbone: nano, a path, or a pulled model");
  repl->add_option("--replies", options->bench.replies, "answer from a JSONL file in the place of a model");
  repl->add_option("--corpus", options->bench.corpus, "what to search: atlas, an index, or a JSONL corpus");
  repl->add_option("--seed", options->seed, "of the runs' random streams")->capture_default_str();
  repl->add_flag("--greedy", options->greedy, "every role takes its most probable token");
  repl->add_option("--trace", options->bench.store, "experience store to write");
  repl->add_flag("--no-trace", options->no_trace, "record nothing");
  repl->add_flag("--echo", options->echo, "print what is read from standard input, as a session looks on a terminal");
  repl->callback(
      [options, &invocation] { invocation.action = [options, &invocation] { return Repl(*options, invocation); }; });
}

}  // namespace jade::cli
